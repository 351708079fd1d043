//! How far a generation is: one row a partition, moved together with the rows and only from where it was.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use event_store::Cut;
use sqlx::PgConnection;

use crate::error::ProjectionError;

/// A move of the checkpoint over a piece of the log.
#[derive(Debug, Clone, Default)]
pub struct CheckpointMove {
    /// Where it must be.
    pub from: Cut,
    /// Where it goes.
    pub to: Cut,
    /// The latest time at which the log took an event of the piece, by partition.
    pub recorded_at: BTreeMap<u32, DateTime<Utc>>,
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

/// Moves the checkpoint; `false` when it is not where it must be, and then nothing may be written.
///
/// It takes the locks on its rows first in a transaction, so of two projectors one waits here and then sees that it lost.
pub async fn advance(
    connection: &mut PgConnection,
    generation: i32,
    advance: &CheckpointMove,
) -> Result<bool, ProjectionError> {
    let mut partitions = Vec::new();
    let mut from = Vec::new();
    let mut to = Vec::new();
    let mut recorded_at = Vec::new();
    for (partition, next) in advance.to.iter() {
        if next > advance.from.next(partition) {
            partitions.push(partition.cast_signed());
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
         set next_offset = moved.next_offset, recorded_at = greatest(checkpoint.recorded_at, moved.recorded_at) \
         from unnest($2::integer[], $3::bigint[], $4::bigint[], $5::timestamptz[]) as moved (partition, old_offset, next_offset, recorded_at) \
         join held on held.partition = moved.partition \
         where checkpoint.generation = $1 and checkpoint.partition = moved.partition and checkpoint.next_offset = moved.old_offset",
    )
    .bind(generation)
    .bind(&partitions)
    .bind(&from)
    .bind(&to)
    .bind(&recorded_at)
    .execute(connection)
    .await?;
    Ok(moved.rows_affected() == partitions.len() as u64)
}
