//! Streams that stand still before an event that cannot be projected: seen, tried again, or gone on with past the event.

use chrono::{DateTime, Utc};
use domain::StreamId;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::{AdministrationError, listing};

/// Longest reason in characters that is kept.
pub const REASON_MAX: usize = 1_000;

/// A parked stream as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct ParkedRecord {
    /// The generation in which it stands still.
    pub generation: String,
    /// The stream.
    pub stream: String,
    /// Its partition.
    pub partition: i32,
    /// Revision of the event that it stands before.
    pub revision: i64,
    /// Place of that event in its partition.
    pub record_offset: i64,
    /// Its type.
    pub event_type: String,
    /// What is wrong with it, for programs.
    pub code: String,
    /// The same, for people.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// How many of these attempts ended the process.
    pub crashes: i32,
    /// Since when it stands still.
    pub parked_at: DateTime<Utc>,
    /// When it was tried last.
    pub last_attempt_at: DateTime<Utc>,
    /// When somebody asked for another attempt that has not begun.
    pub retry_requested_at: Option<DateTime<Utc>>,
}

/// An event that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct DiscardedRecord {
    /// The generation whose rows lack it.
    pub generation: String,
    /// Its stream.
    pub stream: String,
    /// Its revision.
    pub revision: i64,
    /// Its type.
    pub event_type: String,
    /// What was wrong with it, for programs.
    pub code: String,
    /// The same, for people.
    pub error: String,
    /// Why it was given up.
    pub reason: String,
    /// When.
    pub discarded_at: DateTime<Utc>,
}

/// The parked streams of one generation, or of all, oldest first.
pub async fn list(pool: &PgPool, generation: Option<&str>) -> Result<Vec<ParkedRecord>, AdministrationError> {
    known(pool, generation).await?;
    Ok(sqlx::query_as(
        "select schema_name as generation, stream, partition, revision, record_offset, event_type, code, error, attempts, crashes, \
                parked_at, last_attempt_at, retry_requested_at \
         from control.parked_stream join control.generation on generation.id = parked_stream.generation \
         where schema_name = coalesce($1, schema_name) order by parked_at, generation.id, stream",
    )
    .bind(generation)
    .fetch_all(pool)
    .await?)
}

/// The events that were given up in one generation, or in all, oldest first.
pub async fn discarded(pool: &PgPool, generation: Option<&str>) -> Result<Vec<DiscardedRecord>, AdministrationError> {
    known(pool, generation).await?;
    Ok(sqlx::query_as(
        "select schema_name as generation, stream, revision, event_type, code, error, reason, discarded_at \
         from control.discarded_event join control.generation on generation.id = discarded_event.generation \
         where schema_name = coalesce($1, schema_name) order by discarded_at, generation.id, stream, revision",
    )
    .bind(generation)
    .fetch_all(pool)
    .await?)
}

/// Asks for another attempt at a stream (at all of them when none is named), in one generation or in all; how many were asked for.
///
/// The process that holds the stream's partition makes it soon; [`list`] tells how it went.
pub async fn retry(
    pool: &PgPool,
    generation: Option<&str>,
    stream: Option<&StreamId>,
) -> Result<u64, AdministrationError> {
    followed(pool, generation).await?;
    let asked = sqlx::query(
        "update control.parked_stream set retry_requested_at = now() from control.generation \
         where generation.id = parked_stream.generation and schema_name = coalesce($1, schema_name) and stream = coalesce($2, stream) \
           and not exists (select from control.travel where travel.generation = generation.id)",
    )
    .bind(generation)
    .bind(stream.map(StreamId::as_str))
    .execute(pool)
    .await?;
    match stream {
        Some(stream) if asked.rows_affected() == 0 => Err(AdministrationError::NotParked {
            stream: stream.as_str().to_owned(),
        }),
        _ => Ok(asked.rows_affected()),
    }
}

/// Gives up the event that a stream stands before, in one generation or in all, and asks for an attempt at what comes after it. Rows of
/// the stream stay marked as degraded, since they lack what the event would have done. Returns what was given up.
pub async fn discard(
    pool: &PgPool,
    generation: Option<&str>,
    stream: &StreamId,
    reason: &str,
) -> Result<Vec<DiscardedRecord>, AdministrationError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(AdministrationError::Reason);
    }
    followed(pool, generation).await?;
    let given_up: Vec<DiscardedRecord> = sqlx::query_as(
        "with asked as ( \
             update control.parked_stream set retry_requested_at = now() from control.generation \
             where generation.id = parked_stream.generation and schema_name = coalesce($1, schema_name) and stream = $2 \
               and not exists (select from control.travel where travel.generation = generation.id) \
             returning parked_stream.*, schema_name \
         ), kept as ( \
             insert into control.discarded_event (generation, stream, revision, event_type, code, error, reason) \
             select generation, stream, revision, event_type, code, error, $3 from asked \
             on conflict (generation, stream, revision) do update set reason = excluded.reason \
             returning * \
         ) \
         select asked.schema_name as generation, kept.stream, kept.revision, kept.event_type, kept.code, kept.error, kept.reason, kept.discarded_at \
         from kept join asked on asked.generation = kept.generation",
    )
    .bind(generation)
    .bind(stream.as_str())
    .bind(reason)
    .fetch_all(pool)
    .await?;
    if given_up.is_empty() {
        return Err(AdministrationError::NotParked {
            stream: stream.as_str().to_owned(),
        });
    }
    Ok(given_up)
}

/// The generation, if one is named.
async fn known(pool: &PgPool, generation: Option<&str>) -> Result<Option<listing::Row>, AdministrationError> {
    Ok(match generation {
        Some(generation) => Some(listing::find(&mut *pool.acquire().await?, generation).await?),
        None => None,
    })
}

/// The same, and does a projector follow it? What was made for time travel stands at its cut.
async fn followed(pool: &PgPool, generation: Option<&str>) -> Result<(), AdministrationError> {
    match known(pool, generation).await? {
        Some(row) if row.is_travel() => Err(AdministrationError::NotFollowed {
            generation: row.schema_name,
        }),
        _ => Ok(()),
    }
}
