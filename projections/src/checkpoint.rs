//! How far a generation is: one row a partition, moved together with the rows and only from where it was.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event_store::Cut;
use sqlx::{PgConnection, PgPool};

use crate::change_feed::ChangedStreams;
use crate::error::{EventName, ProjectionError};
use crate::lease::Fences;

/// A move of the checkpoint over a piece of the log.
#[derive(Debug, Clone, Default)]
pub struct CheckpointMove {
    /// Where it must be.
    pub from: Cut,
    /// Where it goes.
    pub to: Cut,
    /// The latest time at which the log took an event of the piece, by partition.
    pub recorded_at: BTreeMap<u32, DateTime<Utc>>,
    /// Whose rows change with it, where that is told.
    pub changed: Option<ChangedStreams>,
}

/// Reads the checkpoints of a generation.
pub async fn read(connection: &mut PgConnection, generation: i32) -> Result<Cut, ProjectionError> {
    let rows: Vec<(i32, i64)> =
        sqlx::query_as("select partition, next_offset from control.checkpoint where generation = $1")
            .bind(generation)
            .fetch_all(connection)
            .await?;
    Ok(rows
        .into_iter()
        .map(|(partition, next)| (partition.cast_unsigned(), next.cast_unsigned()))
        .collect())
}

/// Moves the checkpoint; `false` when it is not where it must be or has another fence, and then nothing may be written.
///
/// It takes the locks on its rows first in a transaction, so of two projectors one waits here and then sees that it lost.
pub async fn advance(
    connection: &mut PgConnection,
    generation: i32,
    advance: &CheckpointMove,
    fences: &Fences,
) -> Result<bool, ProjectionError> {
    let mut partitions = Vec::new();
    let mut held = Vec::new();
    let mut from = Vec::new();
    let mut to = Vec::new();
    let mut recorded_at = Vec::new();
    for (partition, next) in advance.to.iter() {
        if next > advance.from.next(partition) {
            partitions.push(partition.cast_signed());
            held.push(fences.get(&partition).copied().unwrap_or(0));
            from.push(advance.from.next(partition).cast_signed());
            to.push(next.cast_signed());
            recorded_at.push(advance.recorded_at.get(&partition).copied());
        }
    }
    let moved = sqlx::query(
        // Locked in the order in which everybody locks them.
        "with held as materialized ( \
             select partition from control.checkpoint where generation = $1 and partition = any ($2) order by partition for update \
         ) \
         update control.checkpoint as checkpoint \
         set next_offset = moved.next_offset, recorded_at = greatest(checkpoint.recorded_at, moved.recorded_at), \
             trying_stream = null, trying_revision = null, trying_now = false, trying_crashes = 0 \
         from unnest($2::integer[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::bigint[]) \
             as moved (partition, old_offset, next_offset, recorded_at, fence) \
         join held on held.partition = moved.partition \
         where checkpoint.generation = $1 and checkpoint.partition = moved.partition \
             and checkpoint.next_offset = moved.old_offset and checkpoint.fence = moved.fence",
    )
    .bind(generation)
    .bind(&partitions)
    .bind(&from)
    .bind(&to)
    .bind(&recorded_at)
    .bind(&held)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == partitions.len() as u64)
}

/// Holds one partition until the end of the transaction; `false` when it is not at that offset or has another fence.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    generation: i32,
    partition: u32,
    next_offset: u64,
    fence: i64,
) -> Result<bool, ProjectionError> {
    let held: Option<(i64, i64)> = sqlx::query_as(
        "select next_offset, fence from control.checkpoint where generation = $1 and partition = $2 for update",
    )
    .bind(generation)
    .bind(partition.cast_signed())
    .fetch_optional(connection)
    .await?;
    Ok(held == Some((next_offset.cast_signed(), fence)))
}

/// Writes down which event is projected next, before it is touched; `false` when the partition is somebody else's.
pub(crate) async fn trying(
    pool: &PgPool,
    generation: i32,
    event: &EventName,
    fence: i64,
) -> Result<bool, ProjectionError> {
    let noted = sqlx::query(
        "update control.checkpoint set trying_stream = $4, trying_revision = $5, trying_now = true, \
             trying_crashes = case when (trying_stream, trying_revision) = ($4, $5) then trying_crashes else 0 end \
         where generation = $1 and partition = $2 and fence = $3",
    )
    .bind(generation)
    .bind(event.partition.cast_signed())
    .bind(fence)
    .bind(event.stream.as_str())
    .bind(event.revision.cast_signed())
    .execute(pool)
    .await?;
    Ok(noted.rows_affected() == 1)
}

/// Things went well again: the holders that died here are forgotten.
pub(crate) async fn forget_crashes(pool: &PgPool, generation: i32, held: &Fences) -> Result<(), ProjectionError> {
    let partitions: Vec<i32> = held.keys().map(|partition| partition.cast_signed()).collect();
    sqlx::query(
        "update control.checkpoint set crashes = 0 where generation = $1 and partition = any ($2) and crashes > 0",
    )
    .bind(generation)
    .bind(partitions)
    .execute(pool)
    .await?;
    Ok(())
}
