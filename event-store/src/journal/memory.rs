//! The journal of the simulator: the same promises, in memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Applied, Checkpoint, FenceRow, Journal, JournalBatch, LoadRequest, Loaded};
use crate::codec::FenceTarget;
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::position::{Cut, LogEpoch, Position};
use crate::rejection::RecordedRejection;
use crate::store::{Direction, READ_LIMIT, ReadAllOptions, ReadStreamOptions};

/// A journal in memory. Cheap to clone; all clones are one journal.
#[derive(Clone)]
pub struct MemoryJournal {
    epoch: LogEpoch,
    state: Arc<Mutex<State>>,
    moved: Arc<Notify>,
}

/// The journal at one moment, such as a backup holds it.
#[derive(Clone)]
pub struct MemoryBackup(State);

#[derive(Clone, Default)]
struct State {
    checkpoints: Vec<Checkpoint>,
    streams: HashMap<StreamId, BTreeMap<u64, RecordedEvent>>,
    all: Vec<RecordedEvent>,
    fences: Vec<FenceRow>,
}

impl MemoryJournal {
    /// An empty journal of a log.
    pub fn new(epoch: Uuid, partitions: u32) -> Self {
        let state = State {
            checkpoints: vec![Checkpoint::default(); partitions as usize],
            ..State::default()
        };
        Self {
            epoch: LogEpoch(epoch),
            state: Arc::new(Mutex::new(state)),
            moved: Arc::default(),
        }
    }

    /// A backup of what it holds now.
    pub fn back_up(&self) -> MemoryBackup {
        MemoryBackup(self.state().clone())
    }

    /// Puts it back to a backup, whoever uses it at the moment.
    pub fn restore(&self, backup: &MemoryBackup) {
        *self.state() = backup.0.clone();
        self.moved.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rejections_of(&self, stream: &StreamId) -> Vec<RecordedRejection> {
        let of_stream = |fence: &&FenceRow| fence.target == FenceTarget::Stream(stream.clone());
        self.fences
            .iter()
            .filter(of_stream)
            .flat_map(|fence| fence.rejections.iter().cloned())
            .collect()
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    fn epoch(&self) -> LogEpoch {
        self.epoch
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        Ok(self.state().checkpoints.clone())
    }

    async fn load(&self, requests: &[LoadRequest]) -> Result<Vec<Loaded>, StoreError> {
        let state = self.state();
        Ok(requests
            .iter()
            .map(|request| {
                let first = request.after.map_or(0, |revision| revision + 1);
                let events = state.streams.get(&request.stream);
                Loaded {
                    rejections: state.rejections_of(&request.stream),
                    events: events
                        .map(|events| events.range(first..).map(|(_, event)| event.clone()).collect())
                        .unwrap_or_default(),
                    checkpoint: state
                        .checkpoints
                        .get(request.partition as usize)
                        .copied()
                        .unwrap_or_default(),
                }
            })
            .collect())
    }

    async fn last_covering(
        &self,
        partition: u32,
        target: &FenceTarget,
        before: u64,
    ) -> Result<(Option<u64>, Checkpoint), StoreError> {
        let state = self.state();
        let (stream, category) = match target {
            FenceTarget::Stream(stream) => (Some(stream), stream.category()),
            FenceTarget::Category(category) => (None, category.as_str()),
        };
        let commits = stream
            .and_then(|stream| state.streams.get(stream))
            .into_iter()
            .flat_map(BTreeMap::values)
            .map(|event| event.at.offset);
        let fences = state.fences.iter().filter(|fence| match &fence.target {
            FenceTarget::Stream(fenced) => Some(fenced) == stream,
            FenceTarget::Category(fenced) => fenced == category && fence.partition == partition,
        });
        let covering = commits
            .chain(fences.map(|fence| fence.offset))
            .filter(|offset| *offset < before)
            .max();
        Ok((
            covering,
            state.checkpoints.get(partition as usize).copied().unwrap_or_default(),
        ))
    }

    async fn apply(&self, batch: &JournalBatch) -> Result<Applied, StoreError> {
        let mut state = self.state();
        for advance in &batch.advances {
            if state
                .checkpoints
                .get(advance.partition as usize)
                .is_none_or(|stands| stands.next_offset != advance.from)
            {
                return Ok(Applied::Moved);
            }
        }
        let mut next_revisions: HashMap<&StreamId, u64> = HashMap::new();
        for event in &batch.events {
            let stored = || state.streams.get(&event.stream).map_or(0, BTreeMap::len) as u64;
            let next = next_revisions.entry(&event.stream).or_insert_with(stored);
            if event.revision != *next {
                return Err(StoreError::Corrupt(format!(
                    "stream {} skips to revision {}",
                    event.stream, event.revision
                )));
            }
            *next += 1;
        }
        for advance in &batch.advances {
            if let Some(checkpoint) = state.checkpoints.get_mut(advance.partition as usize) {
                *checkpoint = advance.to;
            }
        }
        for event in &batch.events {
            let mut event = event.clone();
            event.position = Some(Position(state.all.len() as u64 + 1));
            let stream = state.streams.entry(event.stream.clone()).or_default();
            stream.insert(event.revision, event.clone());
            state.all.push(event);
        }
        state.fences.extend(batch.fences.iter().cloned());
        drop(state);
        self.moved.notify_waiters();
        Ok(Applied::Done)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let state = self.state();
        let Some(events) = state.streams.get(stream) else {
            return Ok(Vec::new());
        };
        let count = options.max_count.min(READ_LIMIT);
        Ok(match options.direction {
            Direction::Forwards => events
                .range(options.from.unwrap_or(0)..)
                .map(|(_, event)| event.clone())
                .take(count)
                .collect(),
            Direction::Backwards => events
                .range(..=options.from.unwrap_or(u64::MAX))
                .rev()
                .map(|(_, event)| event.clone())
                .take(count)
                .collect(),
        })
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        let state = self.state();
        let start = usize::try_from(options.after.0).unwrap_or(usize::MAX);
        Ok(state
            .all
            .iter()
            .skip(start)
            .take(options.max_count.min(READ_LIMIT))
            .cloned()
            .collect())
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        let state = self.state();
        let uncovered = state
            .all
            .iter()
            .filter(|event| event.at.offset >= cut.next(event.at.partition));
        Ok(uncovered.map(|event| event.recorded_at).min())
    }

    async fn wait_after(&self, position: Position) -> Result<(), StoreError> {
        loop {
            // Asked for before looking, so that no step is missed.
            let moved = self.moved.notified();
            if self.state().all.len() as u64 > position.0 {
                return Ok(());
            }
            moved.await;
        }
    }

    async fn wait_moved(&self) {
        let _ = tokio::time::timeout(std::time::Duration::from_millis(10), self.moved.notified()).await;
    }
}
