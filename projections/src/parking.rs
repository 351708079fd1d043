//! Streams that stand still before an event that cannot be projected, as projectors see them.
//!
//! What comes after such an event is not kept anywhere: it is in the log, and is read from there when the stream goes on.

use std::collections::{HashMap, HashSet};

use domain::StreamId;
use event_store::RecordedEvent;
use sqlx::{PgConnection, PgPool};

use crate::error::{EventName, Poison, PoisonFault, ProjectionError};
use crate::gaps::Gaps;
use crate::lease::Fences;
use crate::transaction;

/// A stream that stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) stream: StreamId,
    pub(crate) partition: u32,
    /// Of the event that it stands before.
    pub(crate) revision: u64,
    pub(crate) retry_requested: bool,
}

/// The parked streams of some partitions.
#[derive(Debug, Default)]
pub(crate) struct ParkedStreams(HashMap<StreamId, Parked>);

impl ParkedStreams {
    /// What they keep from being projected.
    pub(crate) fn gaps(&self) -> Gaps {
        let mut gaps = Gaps::default();
        for parked in self.0.values() {
            gaps.stand_still(parked.stream.clone(), parked.revision);
        }
        gaps
    }

    /// Those that somebody wants tried again.
    pub(crate) fn to_retry(&self) -> impl Iterator<Item = &Parked> {
        self.0.values().filter(|parked| parked.retry_requested)
    }

    pub(crate) fn remove(&mut self, stream: &StreamId) {
        self.0.remove(stream);
    }

    pub(crate) fn insert(&mut self, parked: Parked) {
        self.0.insert(parked.stream.clone(), parked);
    }
}

/// How a parked stream goes on, with what its events did.
#[derive(Debug)]
pub(crate) struct ParkedStep<'a> {
    pub(crate) parked: &'a Parked,
    /// Where the checkpoint of its partition must be.
    pub(crate) next_offset: u64,
    pub(crate) to: ParkedTo<'a>,
}

/// Where it is afterwards.
#[derive(Debug)]
pub(crate) enum ParkedTo<'a> {
    /// Everything below the checkpoint is done: it follows like any other.
    Free,
    /// There is more to do.
    Revision(u64),
    /// It stands before another event, or the same again.
    Poison(&'a Poison),
}

/// The parked streams of these partitions.
pub(crate) async fn load(pool: &PgPool, generation: i32, held: &Fences) -> Result<ParkedStreams, ProjectionError> {
    let rows: Vec<(String, i32, i64, bool)> = sqlx::query_as(
        "select stream, partition, revision, retry_requested_at is not null from control.parked_stream \
         where generation = $1 and partition = any ($2)",
    )
    .bind(generation)
    .bind(partitions(held))
    .fetch_all(pool)
    .await?;
    let parked = |(stream, partition, revision, retry_requested): (String, i32, i64, bool)| {
        let stream = StreamId::parse(&stream).ok()?;
        Some((
            stream.clone(),
            Parked {
                stream,
                partition: partition.cast_unsigned(),
                revision: revision.cast_unsigned(),
                retry_requested,
            },
        ))
    };
    Ok(ParkedStreams(rows.into_iter().filter_map(parked).collect()))
}

/// Parks the stream of an event, if the partition is still held; how many are parked now.
pub(crate) async fn park(
    pool: &PgPool,
    generation: i32,
    fence: i64,
    poison: &Poison,
    crashes: u32,
) -> Result<u64, ProjectionError> {
    let event = &poison.event;
    let mut transaction = transaction::begin(pool).await?;
    sqlx::query(
        "insert into control.parked_stream (generation, stream, partition, revision, record_offset, event_type, code, error, crashes) \
         select generation, $4, partition, $5, $6, $7, $8, $9, $10 from control.checkpoint \
         where generation = $1 and partition = $2 and fence = $3 \
         on conflict (generation, stream) do nothing",
    )
    .bind(generation)
    .bind(event.partition.cast_signed())
    .bind(fence)
    .bind(event.stream.as_str())
    .bind(event.revision.cast_signed())
    .bind(event.offset.cast_signed())
    .bind(&event.event_type)
    .bind(poison.fault.code())
    .bind(text(&poison.fault))
    .bind(crashes.cast_signed())
    .execute(&mut *transaction)
    .await?;
    let parked: i64 = sqlx::query_scalar("select count(*) from control.parked_stream where generation = $1")
        .bind(generation)
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(parked.cast_unsigned())
}

/// An attempt at a parked stream begins. Known before it does anything: a process that dies of it is not asked again.
pub(crate) async fn begin_retry(pool: &PgPool, generation: i32, stream: &StreamId) -> Result<(), ProjectionError> {
    sqlx::query(
        "update control.parked_stream \
         set attempts = attempts + 1, retrying = true, retry_requested_at = null, last_attempt_at = now() \
         where generation = $1 and stream = $2",
    )
    .bind(generation)
    .bind(stream.as_str())
    .execute(pool)
    .await?;
    Ok(())
}

/// The database refuses what the events of a parked stream make, as it did before.
pub(crate) async fn still_refused(
    pool: &PgPool,
    generation: i32,
    stream: &StreamId,
    refusal: &str,
) -> Result<(), ProjectionError> {
    let fault = PoisonFault::Refused(refusal.to_owned());
    sqlx::query(
        "update control.parked_stream set code = $3, error = $4, retrying = false where generation = $1 and stream = $2",
    )
    .bind(generation)
    .bind(stream.as_str())
    .bind(fault.code())
    .bind(text(&fault))
    .execute(pool)
    .await?;
    Ok(())
}

/// Whoever tried streams of these partitions before has died of it.
pub(crate) async fn count_crashed_retries(
    pool: &PgPool,
    generation: i32,
    held: &Fences,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "update control.parked_stream set crashes = crashes + 1, retrying = false, code = $3, error = $4 \
         where generation = $1 and partition = any ($2) and retrying",
    )
    .bind(generation)
    .bind(partitions(held))
    .bind(PoisonFault::Crashed.code())
    .bind(PoisonFault::Crashed.to_string())
    .execute(pool)
    .await?;
    Ok(())
}

/// Revisions of a stream that an administrator gave up.
pub(crate) async fn discarded(
    pool: &PgPool,
    generation: i32,
    stream: &StreamId,
) -> Result<HashSet<u64>, ProjectionError> {
    let revisions: Vec<i64> =
        sqlx::query_scalar("select revision from control.discarded_event where generation = $1 and stream = $2")
            .bind(generation)
            .bind(stream.as_str())
            .fetch_all(pool)
            .await?;
    Ok(revisions.into_iter().map(i64::cast_unsigned).collect())
}

/// Moves a parked stream on, in the transaction of its rows.
pub(crate) async fn apply(
    connection: &mut PgConnection,
    generation: i32,
    step: &ParkedStep<'_>,
) -> Result<(), ProjectionError> {
    let stream = step.parked.stream.as_str();
    let query = match &step.to {
        ParkedTo::Free => sqlx::query("delete from control.parked_stream where generation = $1 and stream = $2")
            .bind(generation)
            .bind(stream),
        ParkedTo::Revision(revision) => {
            sqlx::query("update control.parked_stream set revision = $3 where generation = $1 and stream = $2")
                .bind(generation)
                .bind(stream)
                .bind(revision.cast_signed())
        }
        ParkedTo::Poison(poison) => sqlx::query(
            "update control.parked_stream set revision = $3, record_offset = $4, event_type = $5, code = $6, error = $7, retrying = false \
             where generation = $1 and stream = $2",
        )
        .bind(generation)
        .bind(stream)
        .bind(poison.event.revision.cast_signed())
        .bind(poison.event.offset.cast_signed())
        .bind(poison.event.event_type.clone())
        .bind(poison.fault.code())
        .bind(text(&poison.fault)),
    };
    query.execute(connection).await?;
    Ok(())
}

/// The event that a process had under its hands when it died, as far as the log still knows it.
pub(crate) fn crashed(event: &RecordedEvent) -> Poison {
    Poison {
        event: EventName::of(event),
        fault: PoisonFault::Crashed,
    }
}

fn partitions(held: &Fences) -> Vec<i32> {
    held.keys().map(|partition| partition.cast_signed()).collect()
}

/// What is wrong, with its causes; bounded, since data of events may be quoted in it.
fn text(fault: &PoisonFault) -> String {
    crate::error::chain(fault).chars().take(2_000).collect()
}
