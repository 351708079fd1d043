//! Loading a stream for a decision, and proving that a decision was made on the newest state.

use domain::StreamId;
use tokio::time::Instant;

use super::{LogStore, log_error};
use crate::codec::category_hash;
use crate::commit::Basis;
use crate::error::StoreError;
use crate::journal::Loaded;
use crate::metrics;
use crate::store::LoadedStream;

/// No stream gets this far: a load after it returns the checkpoint alone.
const NO_EVENTS: u64 = i64::MAX as u64;

/// What the node knows about a stream at one moment.
struct Knowledge {
    /// Everything through here is judged.
    seen: i64,
    digest: u128,
    /// The last accepted offset that covers the stream, as far back as the node knows.
    last: Option<u64>,
    /// Below this the node knows nothing: its window does not reach there.
    horizon: u64,
}

impl Knowledge {
    /// Is a state that is complete through `basis.seen` complete through everything judged?
    fn is_current(&self, basis: &Basis) -> bool {
        let untouched = self.last.is_none_or(|last| to_signed(last) <= basis.seen);
        untouched && basis.seen + 1 >= to_signed(self.horizon)
    }

    /// The journal must have passed this before a load from it is complete through `seen`.
    fn journal_needed(&self) -> u64 {
        self.horizon.max(self.last.map_or(0, |last| last + 1))
    }
}

impl LogStore {
    pub(super) async fn load_stream(
        &self,
        stream: &StreamId,
        known: Option<&Basis>,
    ) -> Result<LoadedStream, StoreError> {
        let partition = stream.partition(self.log.partitions());
        self.node.check(partition)?;
        // Captured before the load begins: whatever is accepted later lies behind `seen`.
        let knowledge = self.knowledge(stream, partition)?;
        if let Some(known) = known.filter(|known| knowledge.is_current(known)) {
            metrics::loaded("memory");
            // Nothing of the stream lies behind it, so it is complete through everything judged when that was looked at. Saying so
            // keeps a state that is used again and again from growing too old for the window.
            return Ok(LoadedStream {
                events: Vec::new(),
                rejections: Vec::new(),
                basis: Basis {
                    revision: known.revision,
                    seen: knowledge.seen,
                    digest: knowledge.digest,
                },
            });
        }
        self.load_with(stream, known.and_then(|known| known.revision), knowledge)
            .await
    }

    pub(super) async fn load_from_journal(
        &self,
        stream: &StreamId,
        after: Option<u64>,
    ) -> Result<LoadedStream, StoreError> {
        let partition = stream.partition(self.log.partitions());
        self.node.check(partition)?;
        let knowledge = self.knowledge(stream, partition)?;
        self.load_with(stream, after, knowledge).await
    }

    /// `knowledge` was captured before.
    async fn load_with(
        &self,
        stream: &StreamId,
        after: Option<u64>,
        knowledge: Knowledge,
    ) -> Result<LoadedStream, StoreError> {
        metrics::loaded("journal");
        let partition = stream.partition(self.log.partitions());
        let loaded = self
            .load_journaled(stream, partition, after, knowledge.journal_needed())
            .await?;
        // The load's own snapshot may be further than the node.
        let snapshot_seen = to_signed(loaded.checkpoint.next_offset) - 1;
        let (seen, digest) = if snapshot_seen > knowledge.seen {
            (snapshot_seen, loaded.checkpoint.digest.0)
        } else {
            (knowledge.seen, knowledge.digest)
        };
        let revision = loaded.events.last().map(|event| event.revision).or(after);
        Ok(LoadedStream {
            events: loaded.events,
            rejections: loaded.rejections,
            basis: Basis { revision, seen, digest },
        })
    }

    pub(super) async fn confirm_basis(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError> {
        let partition = stream.partition(self.log.partitions());
        self.read_to_the_end(partition).await?;
        Ok(self.knowledge(stream, partition)?.is_current(basis))
    }

    /// Waits until the journal has what was accepted on the stream before this call.
    pub(super) async fn wait_for_own_writes(&self, stream: &StreamId) -> Result<(), StoreError> {
        let partition = stream.partition(self.log.partitions());
        self.read_to_the_end(partition).await?;
        let needed = self.knowledge(stream, partition)?.journal_needed();
        self.load_journaled(stream, partition, Some(NO_EVENTS), needed).await?;
        Ok(())
    }

    /// Asks where the partition ends, and waits until this node has judged everything below.
    async fn read_to_the_end(&self, partition: u32) -> Result<(), StoreError> {
        let asked = Instant::now();
        let end = self.log.end_offset(partition).await.map_err(log_error)?;
        self.node.wait_for(partition, end, self.options.load_timeout).await?;
        metrics::read_to_the_end(asked.elapsed());
        Ok(())
    }

    /// Loads from a snapshot of the journal that has passed `needed`.
    async fn load_journaled(
        &self,
        stream: &StreamId,
        partition: u32,
        after: Option<u64>,
        needed: u64,
    ) -> Result<Loaded, StoreError> {
        let deadline = Instant::now() + self.options.load_timeout;
        let mut first = true;
        loop {
            let loaded = self.loader.load(stream, partition, after).await?;
            if loaded.checkpoint.next_offset >= needed {
                return Ok(loaded);
            }
            if first {
                metrics::load_waits();
            }
            first = false;
            if Instant::now() >= deadline {
                let reason = format!("the journal has not passed offset {needed} of partition {partition} in time");
                return Err(StoreError::Unavailable { reason });
            }
            self.journal.wait_moved().await;
        }
    }

    fn knowledge(&self, stream: &StreamId, partition: u32) -> Result<Knowledge, StoreError> {
        let window = self
            .node
            .window(partition)
            .ok_or(StoreError::Invalid("no such partition"))?;
        Ok(Knowledge {
            seen: window.seen(),
            digest: window.digest().unwrap_or_default().0,
            last: window.last_covering(stream.hash128(), category_hash(stream)),
            horizon: window.start().max(window.next().saturating_sub(window.width())),
        })
    }
}

fn to_signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
