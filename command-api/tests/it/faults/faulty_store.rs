//! The real store with a network that can be told to fail: what a broken connection does to calls cannot be had at
//! will otherwise.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;
use event_store::postgres::PostgresStore;
use event_store::{
    AppendToStreamOptions, Basis, Commit, CommitOutcome, Cut, EventStore, Follow, LoadedStream, LogEpoch, NewEvent,
    Position, ReadAllOptions, ReadStreamOptions, RecordedEvent, RecordedRejection, StoreError, WriteResult,
};

/// What happens to the next call of its sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LoadUnavailable,
    CommitUnavailable,
    /// A guard refuses it before it is sent.
    CommitGuarded,
    /// It is written, but its author does not hear of it.
    CommitAnswerLost,
    /// It never arrives, and its author cannot know.
    CommitLost,
    /// Another writer came between.
    CommitVoid,
    ConfirmUnavailable,
}

pub(crate) struct FaultyStore {
    store: PostgresStore,
    faults: Mutex<VecDeque<Fault>>,
    most_commands: AtomicUsize,
    events_loaded: AtomicUsize,
    other_author: Mutex<Option<String>>,
}

impl FaultyStore {
    pub(crate) fn over(store: PostgresStore) -> Self {
        Self {
            store,
            faults: Mutex::default(),
            most_commands: AtomicUsize::new(usize::MAX),
            events_loaded: AtomicUsize::new(0),
            other_author: Mutex::default(),
        }
    }

    pub(crate) fn fail_next(&self, fault: Fault) {
        self.faults.lock().unwrap().push_back(fault);
    }

    pub(crate) fn limit_commands(&self, most: usize) {
        self.most_commands.store(most, Ordering::SeqCst);
    }

    /// Every stream was written last by the node at this address.
    pub(crate) fn say_was_written_by(&self, node: &str) {
        *self.other_author.lock().unwrap() = Some(node.to_owned());
    }

    pub(crate) fn forget_reads(&self) {
        self.events_loaded.store(0, Ordering::SeqCst);
    }

    /// Events that were read to be folded.
    pub(crate) fn events_loaded(&self) -> usize {
        self.events_loaded.load(Ordering::SeqCst)
    }

    fn count(&self, loaded: Result<LoadedStream, StoreError>) -> Result<LoadedStream, StoreError> {
        if let Ok(loaded) = &loaded {
            self.events_loaded.fetch_add(loaded.events.len(), Ordering::SeqCst);
        }
        loaded
    }

    fn take(&self, expected: &[Fault]) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        if expected.contains(faults.front()?) {
            faults.pop_front()
        } else {
            None
        }
    }
}

fn unavailable() -> StoreError {
    StoreError::Unavailable {
        reason: "the secret database is not there".to_owned(),
    }
}

fn unknown() -> StoreError {
    StoreError::OutcomeUnknown {
        reason: "the secret database did not answer".to_owned(),
    }
}

#[async_trait]
impl EventStore for FaultyStore {
    fn partitions(&self) -> u32 {
        self.store.partitions()
    }

    fn epoch(&self) -> LogEpoch {
        self.store.epoch()
    }

    async fn load(&self, stream: &StreamId, known: Option<&Basis>) -> Result<LoadedStream, StoreError> {
        match self.take(&[Fault::LoadUnavailable]) {
            Some(_) => Err(unavailable()),
            None => self.count(self.store.load(stream, known).await),
        }
    }

    async fn load_after(&self, stream: &StreamId, revision: Option<u64>) -> Result<LoadedStream, StoreError> {
        match self.take(&[Fault::LoadUnavailable]) {
            Some(_) => Err(unavailable()),
            None => self.count(self.store.load_after(stream, revision).await),
        }
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let limit = self.most_commands.load(Ordering::SeqCst);
        if commit.commands.len() > limit {
            return Err(StoreError::TooLarge {
                bytes: commit.commands.len(),
                limit,
            });
        }
        let faults = [
            Fault::CommitUnavailable,
            Fault::CommitGuarded,
            Fault::CommitAnswerLost,
            Fault::CommitLost,
            Fault::CommitVoid,
        ];
        match self.take(&faults) {
            Some(Fault::CommitUnavailable) => Err(unavailable()),
            Some(Fault::CommitGuarded) => Err(StoreError::Guarded {
                reason: "a secret address has a wrong setting".to_owned(),
            }),
            Some(Fault::CommitAnswerLost) => {
                self.store.commit(commit).await?;
                Err(unknown())
            }
            Some(Fault::CommitLost) => Err(unknown()),
            Some(Fault::CommitVoid) => Ok(CommitOutcome::Void),
            _ => self.store.commit(commit).await,
        }
    }

    async fn confirm(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError> {
        match self.take(&[Fault::ConfirmUnavailable]) {
            Some(_) => Err(unavailable()),
            None => self.store.confirm(stream, basis).await,
        }
    }

    fn other_author(&self, _stream: &StreamId) -> Option<String> {
        self.other_author.lock().unwrap().clone()
    }

    async fn record_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError> {
        self.store.record_rejections(stream, basis, rejections).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.store.read_stream(stream, options).await
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        self.store.read_all(options).await
    }

    async fn wait_for_events_after(&self, position: Position) -> Result<(), StoreError> {
        self.store.wait_for_events_after(position).await
    }

    async fn end(&self) -> Result<Cut, StoreError> {
        self.store.end().await
    }

    fn behind(&self, end: &Cut, reader: &Cut) -> u64 {
        self.store.behind(end, reader)
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.store.first_recorded_after(cut).await
    }

    async fn follow_partitions(&self, from: Cut, partitions: BTreeSet<u32>) -> Result<Box<dyn Follow>, StoreError> {
        self.store.follow_partitions(from, partitions).await
    }

    async fn append_to_stream(
        &self,
        stream: &StreamId,
        options: &AppendToStreamOptions,
        events: Vec<NewEvent>,
    ) -> Result<WriteResult, StoreError> {
        self.store.append_to_stream(stream, options, events).await
    }
}
