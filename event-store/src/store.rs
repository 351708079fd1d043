//! What an event store promises. Names follow the official EventStoreDB client for Rust where it has them.
//!
//! Two levels. Command handling uses [`EventStore::load`], [`EventStore::commit`] and [`EventStore::confirm`]: decide on a
//! state, append what was decided, and prove that a refusal was decided on the newest state. Everybody else uses
//! [`EventStore::append_to_stream`], the reads, and [`EventStore::follow`].

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;

use crate::commit::{Basis, Commit, CommitOutcome};
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::position::{Cut, LogEpoch, Position};
use crate::rejection::RecordedRejection;

mod append;

pub use append::{AppendToStreamOptions, StreamState, WriteResult, append_to_stream};

/// Most events that one read returns.
pub const READ_LIMIT: usize = 10_000;

/// A strict, append-only log of streams.
///
/// Guarantees of every implementation, checked by [`crate::conformance`]:
/// - revisions of a stream are 0, 1, 2, ... in log order, and an accepted commit extends exactly the history it was decided on;
/// - what was acknowledged is read back by every later read, after a restart too;
/// - readers see the events of a partition in one order, each once, and none is skipped.
#[async_trait]
pub trait EventStore: Send + Sync + 'static {
    /// How many partitions the log has; fixed for its life.
    fn partitions(&self) -> u32;

    /// Which history this is.
    fn epoch(&self) -> LogEpoch;

    /// The events of a stream after `known` (all when absent), and what a decision on them may claim.
    ///
    /// The returned events continue `known.revision` without a gap. None are returned when the stream has not moved.
    async fn load(&self, stream: &StreamId, known: Option<&Basis>) -> Result<LoadedStream, StoreError>;

    /// The events of a stream after a revision (all when absent), read anew whatever this process knows, and what a decision on them may claim.
    async fn load_after(&self, stream: &StreamId, revision: Option<u64>) -> Result<LoadedStream, StoreError>;

    /// Appends a commit and waits until it is judged and durable.
    ///
    /// After [`StoreError::OutcomeUnknown`] it may have been accepted or may yet be; every other error means that it was not.
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError>;

    /// Is `basis` still the newest state of the stream, as of some moment after this call began?
    async fn confirm(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError>;

    /// Where the node listens that wrote the stream's newest commit, when it is another one. A hint: writers that go there do not get in
    /// each other's way, and nothing depends on it.
    fn other_author(&self, _stream: &StreamId) -> Option<String> {
        None
    }

    /// Records negative answers that were decided on `basis`. Once it returns a basis they are final: whatever was decided on these
    /// commands before, and is accepted by nobody yet, never will be.
    ///
    /// Nothing is returned when the stream has moved since `basis`, by events or by such answers; then load and decide again.
    async fn record_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError>;

    /// A page of one stream.
    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError>;

    /// A page of the whole log in the order of global positions. On a log with a journal this may lag behind appends.
    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError>;

    /// Waits until `read_all` may have events after `position`, or some seconds have passed.
    async fn wait_for_events_after(&self, position: Position) -> Result<(), StoreError>;

    /// The end of every partition: what a reader that wants to be level must reach.
    async fn end(&self) -> Result<Cut, StoreError>;

    /// How many records a reader at `cut` has before it until `end`.
    fn behind(&self, end: &Cut, cut: &Cut) -> u64;

    /// When the first event that the cut does not cover was recorded: how old a reader there is. None when there is no such
    /// event, as far as the journal knows.
    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Reads all partitions from a cut, first what is there, then what comes, without gap or repeat.
    async fn follow(&self, from: Cut) -> Result<Box<dyn Follow>, StoreError> {
        self.follow_partitions(from, (0..self.partitions()).collect()).await
    }

    /// The same of these partitions alone: neither events nor cuts of others come.
    async fn follow_partitions(&self, from: Cut, partitions: BTreeSet<u32>) -> Result<Box<dyn Follow>, StoreError>;

    /// Appends events if the stream is in the expected state; see [`append_to_stream`].
    async fn append_to_stream(
        &self,
        stream: &StreamId,
        options: &AppendToStreamOptions,
        events: Vec<crate::NewEvent>,
    ) -> Result<WriteResult, StoreError>;
}

/// A stream loaded for a decision.
#[derive(Debug, Clone)]
pub struct LoadedStream {
    /// Events after what was known, in order.
    pub events: Vec<RecordedEvent>,
    /// All negative answers that were recorded on the stream; none when nothing is new.
    pub rejections: Vec<RecordedRejection>,
    /// What a decision on the state after these events may claim.
    pub basis: Basis,
}

/// Which way a read goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Oldest first.
    #[default]
    Forwards,
    /// Newest first.
    Backwards,
}

/// Which part of a stream to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadStreamOptions {
    /// First revision to return, inclusive; for a backwards read `None` is the end of the stream.
    pub from: Option<u64>,
    /// Which way.
    pub direction: Direction,
    /// At most this many events, and never more than [`READ_LIMIT`].
    pub max_count: usize,
}

impl Default for ReadStreamOptions {
    fn default() -> Self {
        Self {
            from: None,
            direction: Direction::Forwards,
            max_count: READ_LIMIT,
        }
    }
}

/// Which part of the log to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadAllOptions {
    /// Only events after this position.
    pub after: Position,
    /// At most this many events, and never more than [`READ_LIMIT`].
    pub max_count: usize,
}

impl Default for ReadAllOptions {
    fn default() -> Self {
        Self {
            after: Position::START,
            max_count: 1_000,
        }
    }
}

/// A reader of all partitions that is always somewhere in the log; see [`EventStore::follow`].
#[async_trait]
pub trait Follow: Send {
    /// The next accepted events, at least one record further than before; waits while there are none.
    ///
    /// Cancel safe: dropping the future loses nothing.
    async fn next(&mut self) -> Result<FollowBatch, StoreError>;
}

/// A piece of the log: accepted events, and how far each partition is covered after them.
#[derive(Debug, Clone, Default)]
pub struct FollowBatch {
    /// In log order within each partition.
    pub events: Vec<RecordedEvent>,
    /// The next offset of each partition that moved; void records move it too.
    pub cut: Cut,
}
