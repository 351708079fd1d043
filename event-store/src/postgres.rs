//! The embedded default: no broker, the journal is the log.
//!
//! All commits that wait on a node go into one transaction of one round trip (`journal.append_all`, or `journal.append` when a race
//! was lost). The offset of an event is its global position; the partition is computed from the stream as on any log, for parallel
//! readers and for tokens.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::commit::{Basis, Commit, CommitOutcome};
use crate::error::StoreError;
use crate::event::{NewEvent, RecordedEvent};
use crate::journal::postgres::{HeadError, LogKind, PostgresJournal};
use crate::journal::{Journal, JournalLoader};
use crate::position::{Cut, LogEpoch, Position};
use crate::rejection::RecordedRejection;
use crate::store::{
    AppendToStreamOptions, EventStore, Follow, LoadedStream, ReadAllOptions, ReadStreamOptions, WriteResult,
    append_to_stream,
};

mod follow;
mod group_commit;
mod rejecting;

/// Streams that are known to have moved; more are forgotten, which costs a void commit each.
const MOVED_STREAMS: usize = 100_000;
/// Largest commit in bytes, the same as a default broker's record.
const MAX_COMMIT_BYTES: usize = 1_000_000;

/// The event store in one PostgreSQL database.
pub struct PostgresStore {
    journal: PostgresJournal,
    loader: JournalLoader,
    committer: group_commit::Committer,
    /// Streams whose state, as somebody here knew it, was found to be old. Everything else may be decided on from a cache:
    /// the append compares revisions, and a refusal is confirmed.
    moved: Mutex<HashSet<StreamId>>,
}

impl PostgresStore {
    /// Opens the store; the schema must be up to date ([`crate::journal::migrate::migrate`]).
    ///
    /// `partitions` counts only for a new log; an existing one keeps its own.
    pub async fn open(pool: PgPool, partitions: u32) -> Result<Self, HeadError> {
        let journal = PostgresJournal::open(pool.clone(), LogKind::Postgresql, Uuid::new_v4(), partitions).await?;
        let shared: Arc<dyn Journal> = Arc::new(journal.clone());
        Ok(Self {
            loader: JournalLoader::start(&shared),
            committer: group_commit::Committer::start(journal.clone()),
            journal,
            moved: Mutex::default(),
        })
    }

    /// The journal, which here is the log.
    pub fn journal(&self) -> &PostgresJournal {
        &self.journal
    }

    fn moved(&self) -> std::sync::MutexGuard<'_, HashSet<StreamId>> {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_moved(&self, stream: &StreamId) {
        let mut moved = self.moved();
        if moved.len() >= MOVED_STREAMS {
            moved.clear();
        }
        moved.insert(stream.clone());
    }

    async fn load_from_journal(&self, stream: &StreamId, after: Option<u64>) -> Result<LoadedStream, StoreError> {
        let loaded = self
            .loader
            .load(stream, stream.partition(self.partitions()), after)
            .await?;
        let revision = loaded.events.last().map(|event| event.revision).or(after);
        Ok(LoadedStream {
            events: loaded.events,
            rejections: loaded.rejections,
            basis: Basis {
                revision,
                ..Basis::EMPTY
            },
        })
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    fn partitions(&self) -> u32 {
        self.journal.head().partitions
    }

    fn epoch(&self) -> LogEpoch {
        self.journal.head().epoch
    }

    async fn load(&self, stream: &StreamId, known: Option<&Basis>) -> Result<LoadedStream, StoreError> {
        if let Some(known) = known
            && !self.moved().remove(stream)
        {
            return Ok(LoadedStream {
                events: Vec::new(),
                rejections: Vec::new(),
                basis: *known,
            });
        }
        self.load_from_journal(stream, known.and_then(|known| known.revision))
            .await
    }

    async fn load_after(&self, stream: &StreamId, revision: Option<u64>) -> Result<LoadedStream, StoreError> {
        self.load_from_journal(stream, revision).await
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        crate::event::check_storable(&commit)?;
        let bytes = commit.events().map(|(_, _, event)| event.data.get().len() + 256).sum();
        if bytes > MAX_COMMIT_BYTES {
            return Err(StoreError::TooLarge {
                bytes,
                limit: MAX_COMMIT_BYTES,
            });
        }
        let stream = commit.stream.clone();
        let partition = stream.partition(self.partitions());
        let outcome = self.committer.commit(commit, partition).await?;
        if outcome == CommitOutcome::Void {
            self.note_moved(&stream);
        }
        Ok(outcome)
    }

    async fn confirm(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError> {
        let current = self.load_from_journal(stream, basis.revision).await?.events.is_empty();
        if !current {
            self.note_moved(stream);
        }
        Ok(current)
    }

    async fn record_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError> {
        if rejecting::record(&self.journal, stream, basis, rejections).await? {
            return Ok(Some(*basis));
        }
        self.note_moved(stream);
        Ok(None)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.journal.read_stream(stream, options).await
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        self.journal.read_all(options).await
    }

    async fn wait_for_events_after(&self, position: Position) -> Result<(), StoreError> {
        self.journal.wait_after(position).await
    }

    async fn end(&self) -> Result<Cut, StoreError> {
        let last = self.journal.last_position().await?;
        // Nothing was written yet: a follower that has read nothing is level.
        let next = if last == Position::START { 0 } else { last.0 + 1 };
        Ok(everywhere(self.partitions(), next))
    }

    /// All partitions share one sequence of offsets, so the distance counts once.
    fn behind(&self, end: &Cut, cut: &Cut) -> u64 {
        let reached = (0..self.partitions())
            .map(|partition| cut.next(partition))
            .min()
            .unwrap_or(0)
            .max(1);
        let wanted = end.iter().map(|(_, next)| next).max().unwrap_or(1);
        wanted.saturating_sub(reached)
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.journal.first_recorded_after(cut).await
    }

    async fn follow_partitions(&self, from: Cut, partitions: BTreeSet<u32>) -> Result<Box<dyn Follow>, StoreError> {
        let all = self.partitions();
        Ok(Box::new(follow::PostgresFollow::start(
            self.journal.clone(),
            all,
            partitions,
            from,
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

/// The same next offset in every partition.
fn everywhere(partitions: u32, next: u64) -> Cut {
    (0..partitions).map(|partition| (partition, next)).collect()
}
