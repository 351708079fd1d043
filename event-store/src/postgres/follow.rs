//! Following the journal from a cut, in the order of positions.

use async_trait::async_trait;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::time::Instant;

use super::everywhere;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::journal::postgres::{KEEP_CONNECTION, PostgresJournal};
use crate::log::{GATHER_FOR, WORTH_A_READ};
use crate::position::{Cut, Position};
use crate::store::{Follow, FollowBatch, ReadAllOptions};

/// Events in one batch.
const BATCH: usize = 2_000;

pub(super) struct PostgresFollow {
    journal: PostgresJournal,
    partitions: u32,
    from: Cut,
    after: Position,
    /// It gathers: while events come one by one, reading each by itself costs more than writing it.
    not_before: Instant,
    /// Kept while events come: taking it from the pool and giving it back costs as much as reading a few of them.
    connection: Option<PoolConnection<Postgres>>,
}

impl PostgresFollow {
    pub(super) fn start(journal: PostgresJournal, partitions: u32, from: Cut) -> Self {
        // A cut of this store is usually the same everywhere; one that is not is read from its lowest place and filtered.
        let lowest = (0..partitions).map(|partition| from.next(partition)).min().unwrap_or(0);
        Self {
            journal,
            partitions,
            from,
            after: Position(lowest.saturating_sub(1)),
            not_before: Instant::now(),
            connection: None,
        }
    }
}

#[async_trait]
impl Follow for PostgresFollow {
    async fn next(&mut self) -> Result<FollowBatch, StoreError> {
        loop {
            tokio::time::sleep_until(self.not_before).await;
            let options = ReadAllOptions {
                after: self.after,
                max_count: BATCH,
            };
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.journal.connection().await?,
            };
            let mut events = PostgresJournal::read_all_on(&mut connection, &options).await?;
            // Not after an error: the next read gets another one.
            self.connection = Some(connection);
            let Some(last) = events.last().and_then(|event| event.position) else {
                let woken = self.journal.wait_after(self.after);
                if tokio::time::timeout(KEEP_CONNECTION, woken).await.is_err() {
                    self.connection = None;
                    self.journal.wait_after(self.after).await?;
                }
                continue;
            };
            if events.len() < WORTH_A_READ {
                self.not_before = Instant::now() + GATHER_FOR;
            }
            self.after = last;
            events.retain(|event| event.at.offset >= self.from.next(event.at.partition));
            return Ok(FollowBatch {
                events,
                cut: everywhere(self.partitions, last.0 + 1),
            });
        }
    }
}
