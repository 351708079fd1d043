//! An event store over any [`Log`]: optimistic commits, validated by log order.
//!
//! - A **node** ([`node`]) follows the log, judges every record by the [acceptance rule](crate::acceptance) and so knows for each
//!   stream the last accepted offset. It tells authors how their own commits were judged.
//! - A **journaler** ([`Journaler`]) is another reader of the same kind whose sink is the journal.
//! - A **load** reads the journal, after waiting until it has passed what the node knows to be accepted.
//! - A **commit** goes into the log with what was seen, and is done when it was read back accepted *and* the log said it is durable.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::commit::{Basis, Commit, CommitOutcome};
use crate::error::StoreError;
use crate::event::{NewEvent, RecordedEvent};
use crate::journal::{Journal, JournalLoader};
use crate::log::{Log, LogError};
use crate::position::{Cut, LogEpoch, Position};
use crate::randomness::Randomness;
use crate::rejection::RecordedRejection;
use crate::store::{
    AppendToStreamOptions, EventStore, Follow, LoadedStream, ReadAllOptions, ReadStreamOptions, WriteResult,
    append_to_stream,
};

mod authors;
mod follow;
mod journaler;
mod judging;
mod loading;
mod node;
mod opening;
mod own_records;
mod writing;

pub use journaler::{Journaler, JournalerError};
pub use opening::{OpenError, open_log};

/// Bounds and times of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStoreOptions {
    /// Where this node listens, written into its commits as a hint.
    pub author: String,
    /// How long an author waits to read its own commit back before it says "unknown".
    pub commit_timeout: Duration,
    /// How long a load waits for the journal, and a confirmation for the end of the partition.
    pub load_timeout: Duration,
    /// Bytes of commits in flight on this node; more are refused.
    pub max_in_flight_bytes: usize,
}

impl Default for LogStoreOptions {
    fn default() -> Self {
        Self {
            author: String::new(),
            commit_timeout: Duration::from_secs(20),
            load_timeout: Duration::from_secs(10),
            max_in_flight_bytes: 64 << 20,
        }
    }
}

/// The store. Ends its tasks when dropped.
pub struct LogStore {
    log: Arc<dyn Log>,
    journal: Arc<dyn Journal>,
    loader: JournalLoader,
    node: Arc<node::Node>,
    in_flight: Arc<Semaphore>,
    epoch: LogEpoch,
    rules: judging::Rules,
    options: LogStoreOptions,
    randomness: Arc<Randomness>,
    stop: CancellationToken,
}

impl LogStore {
    /// The same store with ids of fences from this source.
    #[must_use]
    pub fn with_randomness(mut self, randomness: Arc<Randomness>) -> Self {
        self.randomness = randomness;
        self
    }
}

impl Drop for LogStore {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl EventStore for LogStore {
    fn partitions(&self) -> u32 {
        self.log.partitions()
    }

    fn epoch(&self) -> LogEpoch {
        self.epoch
    }

    async fn load(&self, stream: &StreamId, known: Option<&Basis>) -> Result<LoadedStream, StoreError> {
        self.load_stream(stream, known).await
    }

    async fn load_after(&self, stream: &StreamId, revision: Option<u64>) -> Result<LoadedStream, StoreError> {
        self.load_from_journal(stream, revision).await
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.append_commit(commit).await
    }

    async fn confirm(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError> {
        self.confirm_basis(stream, basis).await
    }

    fn other_author(&self, stream: &StreamId) -> Option<String> {
        self.node.other_author(stream)
    }

    async fn record_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError> {
        self.append_rejections(stream, basis, rejections).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.wait_for_own_writes(stream).await?;
        self.journal.read_stream(stream, options).await
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        self.journal.read_all(options).await
    }

    async fn wait_for_events_after(&self, position: Position) -> Result<(), StoreError> {
        self.journal.wait_after(position).await
    }

    async fn end(&self) -> Result<Cut, StoreError> {
        let partitions = 0..self.log.partitions();
        let ends = futures::future::try_join_all(partitions.map(|partition| self.log.end_offset(partition)));
        let ends = ends.await.map_err(log_error)?;
        Ok((0_u32..).zip(ends).collect())
    }

    fn behind(&self, end: &Cut, cut: &Cut) -> u64 {
        end.ahead_of(cut)
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.journal.first_recorded_after(cut).await
    }

    async fn follow_partitions(&self, from: Cut, partitions: BTreeSet<u32>) -> Result<Box<dyn Follow>, StoreError> {
        Ok(Box::new(follow::LogFollow::start(
            &*self.log,
            Arc::clone(&self.journal),
            &from,
            &partitions,
            &self.rules,
        )))
    }

    async fn append_to_stream(
        &self,
        stream: &StreamId,
        options: &AppendToStreamOptions,
        events: Vec<NewEvent>,
    ) -> Result<WriteResult, StoreError> {
        append_to_stream(self, stream, options, events).await
    }
}

/// What an error of the log means for somebody who wrote nothing.
pub(crate) fn log_error(error: LogError) -> StoreError {
    match error {
        LogError::TooLarge { bytes, limit } => StoreError::TooLarge { bytes, limit },
        LogError::Unavailable(reason) => StoreError::Unavailable { reason },
        LogError::Guarded(reason) => StoreError::Guarded { reason },
        LogError::Unknown(reason) => StoreError::OutcomeUnknown { reason },
        LogError::Harmed { partition, reason } => StoreError::Halted {
            partition,
            offset: 0,
            reason,
        },
    }
}
