//! `history tail`: the newest events, and those that come.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use futures::TryStreamExt as _;
use platform::shutdown::Shutdown;
use sqlx::{PgPool, QueryBuilder};

use super::{Filter, JournalEvent, ReadingError, event};
use crate::OutputFormat;

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Events that are read in one go; more are read in the next.
const PAGE: i64 = 1_000;

/// The flags of `history tail`.
#[derive(Debug, Clone, Args)]
pub struct TailOptions {
    /// Which events.
    #[command(flatten)]
    pub filter: Filter,
    /// How many of the newest to print first.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(i64).range(0..=1_000_000))]
    pub lines: i64,
    /// Go on with those that come, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
    /// Do not cut long data.
    #[arg(long)]
    pub whole: bool,
    /// The form of the answer; JSON is one object a line.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// Positions become visible in order, so going on after the last one that was looked at leaves nothing out.
pub(in crate::history) async fn run(
    options: &TailOptions,
    pool: &PgPool,
    shutdown: &Shutdown,
) -> Result<ExitCode, ReadingError> {
    let end = end(pool).await?;
    newest(options, pool, end).await?;
    if !options.follow {
        return Ok(ExitCode::SUCCESS);
    }
    let mut after = end;
    loop {
        tokio::select! {
            () = shutdown.requested() => return Ok(ExitCode::SUCCESS),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let end = self::end(pool).await?;
        while after < end {
            after = page(options, pool, after, end).await?;
        }
    }
}

async fn end(pool: &PgPool) -> Result<i64, ReadingError> {
    let last: Option<i64> = sqlx::query_scalar("select max(position) from journal.events")
        .fetch_one(pool)
        .await?;
    Ok(last.unwrap_or(0))
}

async fn newest(options: &TailOptions, pool: &PgPool, end: i64) -> Result<(), ReadingError> {
    let columns = event::COLUMNS;
    let mut sql = QueryBuilder::new(format!(
        "select {columns} from (select {columns} from journal.events where position <= "
    ));
    sql.push_bind(end);
    options.filter.restrict(&mut sql);
    sql.push(" order by position desc limit ").push_bind(options.lines);
    sql.push(") as newest order by position");
    let mut events = sql.build_query_as::<JournalEvent>().fetch(pool);
    while let Some(event) = events.try_next().await? {
        options.output.print(&event, || event.to_line(options.whole))?;
    }
    Ok(())
}

/// Prints what fits behind `after`; where the next page begins.
async fn page(options: &TailOptions, pool: &PgPool, after: i64, end: i64) -> Result<i64, ReadingError> {
    let mut sql = QueryBuilder::new(format!(
        "select {} from journal.events where position > ",
        event::COLUMNS
    ));
    sql.push_bind(after).push(" and position <= ").push_bind(end);
    options.filter.restrict(&mut sql);
    sql.push(" order by position limit ").push_bind(PAGE);
    let events: Vec<JournalEvent> = sql.build_query_as().fetch_all(pool).await?;
    for event in &events {
        options.output.print(event, || event.to_line(options.whole))?;
    }
    let full = i64::try_from(events.len()).is_ok_and(|count| count == PAGE);
    Ok(events.last().filter(|_| full).map_or(end, |event| event.position))
}
