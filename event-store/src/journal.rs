//! The journal: accepted events by stream and by position. It serves loads, histories and SQL.
//!
//! On the log store a [journaler](crate::log_store::Journaler) fills it through [`Journal::apply`]; on the PostgreSQL store
//! it is the log. [`postgres`] is the real one; [`memory`] is the one of the simulator.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;

use crate::acceptance::Digest;
use crate::codec::FenceTarget;
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::position::{Cut, LogEpoch, Position};
use crate::rejection::RecordedRejection;
use crate::store::{ReadAllOptions, ReadStreamOptions};

mod loader;
pub mod memory;
pub mod migrate;
pub mod postgres;
pub(crate) mod rows;

pub use loader::JournalLoader;

/// How far a partition of the log was taken into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkpoint {
    /// The next offset to take; everything below is in the journal.
    pub next_offset: u64,
    /// The running digest of everything below.
    pub digest: Digest,
}

/// A stream to be loaded.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The stream.
    pub stream: StreamId,
    /// Its partition.
    pub partition: u32,
    /// Only events after this revision.
    pub after: Option<u64>,
}

/// A loaded stream, with the checkpoint of its partition in the same snapshot.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Events after the revision asked for, in order.
    pub events: Vec<RecordedEvent>,
    /// All negative answers recorded on the stream.
    pub rejections: Vec<RecordedRejection>,
    /// How far the partition was taken when these events were read.
    pub checkpoint: Checkpoint,
}

/// What the journaler takes over in one transaction.
#[derive(Debug, Clone, Default)]
pub struct JournalBatch {
    /// For each partition the checkpoint that must stand, and the one that stands afterwards.
    pub advances: Vec<Advance>,
    /// Events of accepted commits, in log order within each partition.
    pub events: Vec<RecordedEvent>,
    /// Accepted fences.
    pub fences: Vec<FenceRow>,
}

/// A step of one partition's checkpoint.
#[derive(Debug, Clone, Copy)]
pub struct Advance {
    /// The partition.
    pub partition: u32,
    /// What must stand.
    pub from: u64,
    /// What stands afterwards.
    pub to: Checkpoint,
}

/// An accepted fence.
#[derive(Debug, Clone)]
pub struct FenceRow {
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// What it covers.
    pub target: FenceTarget,
    /// When the log took it.
    pub recorded_at: DateTime<Utc>,
    /// The negative answers that it makes final.
    pub rejections: Vec<RecordedRejection>,
}

/// How a batch went into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in.
    Done,
    /// Another journaler had moved a checkpoint; nothing was written.
    Moved,
}

/// The index of a log.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Which history its positions belong to.
    fn epoch(&self) -> LogEpoch;

    /// The checkpoint of each partition, in order.
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError>;

    /// Loads many streams, each with the checkpoint of its partition as of the same snapshot.
    async fn load(&self, requests: &[LoadRequest]) -> Result<Vec<Loaded>, StoreError>;

    /// The highest offset below `before` of a partition at which something was accepted that stands in the way of a record on `target`,
    /// and the checkpoint of the partition in the same snapshot. In the way of a stream are its commits and fences and the fences of its
    /// category; in the way of a category are only its fences.
    async fn last_covering(
        &self,
        partition: u32,
        target: &FenceTarget,
        before: u64,
    ) -> Result<(Option<u64>, Checkpoint), StoreError>;

    /// Takes over a piece of the log: rows and checkpoints in one transaction that compares the old checkpoints.
    async fn apply(&self, batch: &JournalBatch) -> Result<Applied, StoreError>;

    /// A page of one stream.
    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError>;

    /// A page in the order of positions.
    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError>;

    /// When the first event that the cut does not cover was recorded.
    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Waits until the journal may have moved since `position` was read, or some time has passed.
    async fn wait_after(&self, position: Position) -> Result<(), StoreError>;

    /// Waits until the journal may have moved at all, or some time has passed.
    async fn wait_moved(&self);
}
