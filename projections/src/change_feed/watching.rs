//! Reads what has changed since the last look.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{StreamId, UserId};
use event_store::Cut;
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::CHANGES_KEPT;
use super::listening::Listening;
use crate::handle::ProjectorHandle;
use crate::read::{self, BEGIN_SNAPSHOT, DegradedStreams, ReadError, Serving};
use crate::transaction;

/// Shortest time from one look to the next: what happens within it is told together.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What has changed, and what is covered by the rows from then on.
#[derive(Debug, Clone)]
pub struct Changes {
    /// Whoever reads now sees at least this.
    pub cut: Cut,
    /// What.
    pub what: WhatChanged,
}

/// The streams whose rows have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhatChanged {
    /// Perhaps all of them: at first, when another generation serves or another model has joined, when streams were parked or freed, after a break
    /// of the connection, and when there are too many to tell.
    Everything,
    /// These; a stream may be told several times.
    Streams(Vec<ChangedStream>),
}

/// A stream whose rows have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedStream {
    /// Its name.
    pub stream: StreamId,
    /// Whose it is.
    pub owner: UserId,
}

/// Follows what changes in the generation that serves, whichever that is.
pub struct ChangeFeed {
    pool: PgPool,
    listening: Listening,
    seen: Option<Seen>,
}

/// What the last look has seen.
struct Seen {
    generation: i32,
    cut: Cut,
    /// When a model last joined a generation, or left it.
    exchanged_at: Option<DateTime<Utc>>,
    degraded: DegradedStreams,
    at: Instant,
}

impl ChangeFeed {
    /// A feed that has seen nothing. The handle of a projector in the same process spares it the way through the database.
    pub fn new(pool: PgPool, projector: Option<ProjectorHandle>) -> Self {
        Self {
            listening: Listening::new(pool.clone(), projector),
            pool,
            seen: None,
        }
    }

    /// What has changed since the last time; at first, and after an error, that is everything. Waits until there is something. Dropping the
    /// future loses nothing.
    pub async fn next(&mut self) -> Result<Changes, ReadError> {
        loop {
            if let Some(seen) = &self.seen {
                tokio::time::sleep_until(seen.at + LOOK_EVERY).await;
                self.listening.called().await;
            }
            let looked = self.look().await;
            // Whatever went wrong, what was seen before is worth nothing then.
            let (seen, changes) = looked.inspect_err(|_| self.seen = None)?;
            self.seen = Some(seen);
            if let Some(changes) = changes {
                return Ok(changes);
            }
        }
    }

    async fn look(&mut self) -> Result<(Seen, Option<Changes>), ReadError> {
        self.listening.start().await?;
        let at = Instant::now();
        let mut transaction = transaction::begin_with(&self.pool, BEGIN_SNAPSHOT).await?;
        let serving = read::serving(&mut transaction).await?;
        let exchanged_at: Option<DateTime<Utc>> =
            sqlx::query_scalar("select max(served_until) from control.generation")
                .fetch_one(&mut *transaction)
                .await?;
        let known = self.seen.as_ref().filter(|before| {
            before.generation == serving.id
                && before.exchanged_at == exchanged_at
                && before.degraded == serving.degraded
                && at.duration_since(before.at) < CHANGES_KEPT / 2
        });
        let what = match known {
            None => Some(WhatChanged::Everything),
            Some(known) if known.cut.covers(&serving.cut) => None,
            Some(known) => changed(&mut transaction, &serving, &known.cut).await?,
        };
        transaction.rollback().await?;
        let seen = Seen {
            generation: serving.id,
            cut: serving.cut.clone(),
            exchanged_at,
            degraded: serving.degraded,
            at,
        };
        let changes = what.map(|what| Changes { cut: serving.cut, what });
        Ok((seen, changes))
    }
}

/// A row of `control.change`.
#[derive(sqlx::FromRow)]
struct Row {
    streams: Option<Vec<String>>,
    owners: Option<Vec<uuid::Uuid>>,
}

/// What transactions beyond the cut have told; none when nothing was written by them.
async fn changed(
    connection: &mut PgConnection,
    serving: &Serving,
    seen: &Cut,
) -> Result<Option<WhatChanged>, ReadError> {
    let to_signed = |(partition, next): (u32, u64)| (partition.cast_signed(), next.cast_signed());
    // Where nothing was seen, everything is beyond it.
    let seen = serving
        .cut
        .iter()
        .map(|(partition, _)| (partition, seen.next(partition)));
    let (partitions, offsets): (Vec<i32>, Vec<i64>) = seen.map(to_signed).unzip();
    let rows: Vec<Row> = sqlx::query_as(
        "select change.streams, change.owners from unnest($2::integer[], $3::bigint[]) as seen (partition, next_offset) \
         join control.change on change.generation = $1 and change.partition = seen.partition and change.next_offset > seen.next_offset",
    )
    .bind(serving.id)
    .bind(partitions)
    .bind(offsets)
    .fetch_all(connection)
    .await?;
    let mut told = Vec::new();
    for row in rows {
        let (Some(streams), Some(owners)) = (row.streams, row.owners) else {
            return Ok(Some(WhatChanged::Everything));
        };
        for (stream, owner) in streams.iter().zip(owners) {
            // What is no stream's name cannot be asked for either.
            if let Ok(stream) = StreamId::parse(stream) {
                told.push(ChangedStream {
                    stream,
                    owner: UserId::new(owner),
                });
            }
        }
    }
    Ok((!told.is_empty()).then_some(WhatChanged::Streams(told)))
}
