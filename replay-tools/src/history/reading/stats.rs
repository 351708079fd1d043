//! `history stats`: how many events there are, by type, day and partition, and how large they are.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;
use sqlx::{PgPool, QueryBuilder};

use super::{Filter, ReadingError};
use crate::OutputFormat;

/// The flags of `history stats`.
#[derive(Debug, Clone, Args)]
pub struct StatsOptions {
    /// Which events.
    #[command(flatten)]
    pub filter: Filter,
    /// By what to count.
    #[arg(long, value_enum, default_value_t)]
    pub by: By,
    /// Look in this export (see `history export`) instead of the journal; the database is not asked.
    #[arg(long, value_name = "DIR")]
    pub export: Option<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// What events are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum By {
    /// Their type with its version.
    #[default]
    Type,
    /// The day on which they happened, in UTC.
    Day,
    /// The day on which the log took them, in UTC.
    RecordedDay,
    /// The partition of the log.
    Partition,
    /// The category of their stream.
    Category,
    /// Who caused them.
    Actor,
}

impl By {
    fn expression(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Day => "to_char(time at time zone 'UTC', 'YYYY-MM-DD')",
            Self::RecordedDay => "to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD')",
            Self::Partition => "lpad(partition::text, 4)",
            Self::Category => "split_part(stream, '-', 1)",
            Self::Actor => "metadata ->> 'actor'",
        }
    }
}

/// One group.
#[derive(Debug, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub(in crate::history) struct Group {
    pub(in crate::history) name: String,
    pub(in crate::history) events: i64,
    pub(in crate::history) streams: i64,
    /// Of data and metadata, as text.
    pub(in crate::history) bytes: i64,
}

pub(in crate::history) async fn run(options: &StatsOptions, pool: &PgPool) -> Result<ExitCode, ReadingError> {
    let mut sql = QueryBuilder::new(format!(
        "select {} as name, count(*) as events, count(distinct stream) as streams, \
         sum(octet_length(data::text) + octet_length(metadata::text))::bigint as bytes from journal.events where true",
        options.by.expression()
    ));
    options.filter.restrict(&mut sql);
    sql.push(" group by 1 order by 1");
    let groups: Vec<Group> = sql.build_query_as().fetch_all(pool).await?;
    options.output.print(&groups, || to_text(&groups))?;
    Ok(ExitCode::SUCCESS)
}

pub(in crate::history) fn to_text(groups: &[Group]) -> String {
    let line = |events: i64, streams: &str, bytes: i64, name: &str| {
        format!("{events:>10} {streams:>10} {bytes:>12}  {name}\n")
    };
    let head = format!("{:>10} {:>10} {:>12}  name\n", "events", "streams", "bytes");
    let rows = groups
        .iter()
        .map(|group| line(group.events, &group.streams.to_string(), group.bytes, group.name.trim()));
    let sum = |figure: fn(&Group) -> i64| groups.iter().map(figure).sum();
    // A stream may be in several groups, so their number is not a sum.
    let all = line(sum(|group| group.events), "", sum(|group| group.bytes), "all");
    std::iter::once(head).chain(rows).chain(std::iter::once(all)).collect()
}
