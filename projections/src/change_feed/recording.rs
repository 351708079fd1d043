//! The row that tells what a transaction has changed.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::checkpoint::CheckpointMove;
use crate::error::ProjectionError;
use crate::subject::Subject;

/// How long rows are kept. Who has not looked for so long must take everything as changed.
pub(crate) const CHANGES_KEPT: Duration = Duration::from_mins(1);

/// More streams of one transaction are not told one by one.
const STREAMS_TOLD: usize = 1_000;

/// The streams whose rows a transaction writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedStreams {
    streams: Vec<String>,
    owners: Vec<Uuid>,
    too_many: bool,
}

impl ChangedStreams {
    /// Those of these subjects.
    pub fn of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Self {
        let mut changed = Self::default();
        for subject in subjects {
            if changed.streams.len() == STREAMS_TOLD {
                return Self {
                    too_many: true,
                    ..Self::default()
                };
            }
            changed.streams.push(subject.stream.as_str().to_owned());
            changed.owners.push(subject.owner_id.as_uuid());
        }
        changed
    }

    fn is_empty(&self) -> bool {
        self.streams.is_empty() && !self.too_many
    }
}

/// Tells, in the transaction that makes the move, what it changes.
pub(crate) async fn record_changes(
    connection: &mut PgConnection,
    generation: i32,
    advance: &CheckpointMove,
    changed: &ChangedStreams,
) -> Result<(), ProjectionError> {
    let moved = advance
        .to
        .iter()
        .find(|(partition, next)| *next > advance.from.next(*partition));
    let Some((partition, next)) = moved.filter(|_| !changed.is_empty()) else {
        return Ok(());
    };
    sqlx::query(
        "insert into control.change (generation, partition, next_offset, streams, owners) values ($1, $2, $3, $4, $5)",
    )
    .bind(generation)
    .bind(partition.cast_signed())
    .bind(next.cast_signed())
    .bind((!changed.too_many).then_some(&changed.streams))
    .bind((!changed.too_many).then_some(&changed.owners))
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes what everybody has seen or is too late for.
pub(crate) async fn forget_old_changes(pool: &PgPool, generation: i32) -> Result<(), ProjectionError> {
    sqlx::query("delete from control.change where generation = $1 and changed_at < clock_timestamp() - make_interval(secs => $2)")
        .bind(generation)
        .bind(CHANGES_KEPT.as_secs_f64())
        .execute(pool)
        .await?;
    Ok(())
}
