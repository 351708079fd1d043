//! Following the journal from a cut, in the order of positions.

use async_trait::async_trait;

use super::everywhere;
use crate::error::StoreError;
use crate::journal::Journal;
use crate::journal::postgres::PostgresJournal;
use crate::position::{Cut, Position};
use crate::store::{Follow, FollowBatch, ReadAllOptions};

/// Events in one batch.
const BATCH: usize = 2_000;

pub(super) struct PostgresFollow {
    journal: PostgresJournal,
    partitions: u32,
    from: Cut,
    after: Position,
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
        }
    }
}

#[async_trait]
impl Follow for PostgresFollow {
    async fn next(&mut self) -> Result<FollowBatch, StoreError> {
        loop {
            let options = ReadAllOptions {
                after: self.after,
                max_count: BATCH,
            };
            let mut events = self.journal.read_all(&options).await?;
            let Some(last) = events.last().and_then(|event| event.position) else {
                self.journal.wait_after(self.after).await?;
                continue;
            };
            self.after = last;
            events.retain(|event| event.at.offset >= self.from.next(event.at.partition));
            return Ok(FollowBatch {
                events,
                cut: everywhere(self.partitions, last.0 + 1),
            });
        }
    }
}
