//! `history grep`: the events that fit, in the order of the journal.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use futures::TryStreamExt as _;
use sqlx::{PgPool, QueryBuilder};

use super::{Filter, JournalEvent, ReadingError, event};
use crate::OutputFormat;

/// The flags of `history grep`.
#[derive(Debug, Clone, Args)]
pub struct GrepOptions {
    /// Which events.
    #[command(flatten)]
    pub filter: Filter,
    /// End after so many.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub limit: Option<i64>,
    /// Print only how many there are.
    #[arg(long, conflicts_with = "limit")]
    pub count: bool,
    /// Do not cut long data.
    #[arg(long)]
    pub whole: bool,
    /// Look in this export (see `history export`) instead of the journal; the database is not asked.
    #[arg(long, value_name = "DIR")]
    pub export: Option<PathBuf>,
    /// The form of the answer; JSON is one object a line.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// Exit code 0 when something fits, 1 when nothing does.
pub(in crate::history) async fn run(options: &GrepOptions, pool: &PgPool) -> Result<ExitCode, ReadingError> {
    if options.count {
        return count(options, pool).await;
    }
    let mut sql = QueryBuilder::new(format!("select {} from journal.events where true", event::COLUMNS));
    options.filter.restrict(&mut sql);
    sql.push(" order by position limit ").push_bind(options.limit);
    let mut events = sql.build_query_as::<JournalEvent>().fetch(pool);
    let mut found = false;
    while let Some(event) = events.try_next().await? {
        found = true;
        options.output.print(&event, || event.to_line(options.whole))?;
    }
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn count(options: &GrepOptions, pool: &PgPool) -> Result<ExitCode, ReadingError> {
    let mut sql = QueryBuilder::new("select count(*) from journal.events where true");
    options.filter.restrict(&mut sql);
    let count: i64 = sql.build_query_scalar().fetch_one(pool).await?;
    options
        .output
        .print(&serde_json::json!({ "events": count }), || format!("{count}\n"))?;
    Ok(if count > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
