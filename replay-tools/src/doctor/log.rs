//! The log, and how far the journal has taken it.

use event_store::Cut;
use event_store::log::LogError;
use sqlx::PgPool;

use super::{DoctorReport, Verdict};
use crate::history::LogSource;

/// Nodes refuse appends when the journal is half a window behind; this is a quarter.
const JOURNAL_BEHIND: u64 = event_store::acceptance::DEFAULT_WINDOW / 4;

/// Why the log cannot be looked at.
#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("the journal cannot be read")]
    Database(#[from] sqlx::Error),
}

/// Checks on the log, and its end in each partition, if that could be read.
pub async fn check(report: &mut DoctorReport, source: &LogSource, pool: &PgPool) -> Option<Cut> {
    let mut ends = None;
    report
        .look("log.reachable", async {
            let (verdict, found) = reachable(source, pool).await?;
            ends = found;
            Ok::<_, LookError>(verdict)
        })
        .await;
    if let (LogSource::Log(_), Some(ends)) = (source, &ends) {
        report.look("journal.lag", journal(pool, ends)).await;
    }
    ends
}

async fn reachable(source: &LogSource, pool: &PgPool) -> Result<(Verdict, Option<Cut>), LookError> {
    match source {
        LogSource::Log(log) => {
            let mut ends = Cut::default();
            for partition in 0..log.partitions() {
                ends.merge(&[(partition, log.end_offset(partition).await?)].into_iter().collect());
            }
            let records: u64 = ends.iter().map(|(_, next)| next).sum();
            let sentence = format!("{records} records in {} partitions", log.partitions());
            Ok((Verdict::fine(sentence), Some(ends)))
        }
        LogSource::Journal => {
            let head = head(pool).await?;
            Ok(match head {
                None => (
                    Verdict::fine("there is no log yet; the first start makes it in the database"),
                    None,
                ),
                Some((kind, ..)) if kind != "postgresql" => (
                    Verdict::finding(
                        "the database holds the journal of a log on Kafka, and log.kind is \"postgresql\"",
                        "set log.kind = \"kafka\", or postgres.url to another database",
                    ),
                    None,
                ),
                Some((_, partitions, position)) => {
                    let end = position.cast_unsigned() + 1;
                    let ends = (0..partitions.cast_unsigned())
                        .map(|partition| (partition, end))
                        .collect();
                    let sentence = format!("{position} events in {partitions} partitions, in the database");
                    (Verdict::fine(sentence), Some(ends))
                }
            })
        }
    }
}

async fn head(pool: &PgPool) -> Result<Option<(String, i32, i64)>, sqlx::Error> {
    let made: bool = sqlx::query_scalar("select to_regclass('journal.head') is not null")
        .fetch_one(pool)
        .await?;
    if !made {
        return Ok(None);
    }
    sqlx::query_as("select log_kind, partitions, position from journal.head")
        .fetch_optional(pool)
        .await
}

/// How far the journal is behind a log elsewhere.
async fn journal(pool: &PgPool, ends: &Cut) -> Result<Verdict, LookError> {
    if head(pool).await?.is_none() {
        return Ok(Verdict::fine("there is no journal yet; the first start makes it"));
    }
    let rows: Vec<(i32, i64)> = sqlx::query_as("select partition, next_offset from journal.checkpoints")
        .fetch_all(pool)
        .await?;
    let taken: Cut = rows
        .into_iter()
        .map(|(partition, next)| (partition.cast_unsigned(), next.cast_unsigned()))
        .collect();
    let worst = ends
        .iter()
        .map(|(partition, end)| (end.saturating_sub(taken.next(partition)), partition))
        .max();
    let (behind, partition) = worst.unwrap_or_default();
    let sentence = format!("the journal is at most {behind} records behind the log (partition {partition})");
    Ok(if behind > JOURNAL_BEHIND {
        Verdict::finding(
            sentence,
            "start `coding-agent projector` or `coding-agent up`, which run the journaler: appends are refused when it falls too far behind",
        )
    } else {
        Verdict::fine(sentence)
    })
}
