//! Streams and what is known of each, as command handling keeps it: an append takes a stream that nobody else is at, loads
//! it with what is known, and commits.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use domain::StreamId;
use event_store::{Basis, Commit, CommitOutcome, EventStore, StoreError};
use serde_json::value::RawValue;
use tokio::time::sleep;
use uuid::Uuid;

use super::content;
use crate::closed_loop::{Client, Turn};

/// After a store said that it has too much to do.
const BACK_OFF: Duration = Duration::from_millis(5);

/// Many streams, taken in turn.
pub(crate) struct Streams {
    streams: Vec<Stream>,
    next: AtomicUsize,
}

struct Stream {
    id: StreamId,
    /// None while an append is under way.
    known: Mutex<Option<Known>>,
}

/// What an author knows of a stream before it loads.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// As its last append left it, or that it is new.
    Basis(Basis),
    /// That it exists.
    Nothing,
}

impl Streams {
    /// New ones.
    pub(crate) fn new(count: usize) -> Self {
        let stream = |_| Stream {
            id: StreamId::of("bench", Uuid::new_v4()),
            known: Mutex::new(Some(Known::Basis(Basis::EMPTY))),
        };
        Self {
            streams: (0..count).map(stream).collect(),
            next: AtomicUsize::new(0),
        }
    }

    /// Forgets what is known of all, as a process does that ends.
    pub(crate) fn forget(&self) {
        for stream in &self.streams {
            stream.put(Known::Nothing);
        }
    }

    fn take(&self) -> Result<(&Stream, Known)> {
        for _ in 0..self.streams.len() {
            let number = self.next.fetch_add(1, Ordering::Relaxed) % self.streams.len();
            let stream = self.streams.get(number).context("there are no streams")?;
            if let Some(known) = stream.lock().take() {
                return Ok((stream, known));
            }
        }
        bail!("an append is under way on every stream")
    }
}

impl Stream {
    fn put(&self, known: Known) {
        *self.lock() = Some(known);
    }

    /// Nothing can panic while it is held.
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Appends to a store, one event after another.
#[derive(Clone)]
pub(crate) struct Appender {
    store: Arc<dyn EventStore>,
    streams: Arc<Streams>,
    data: Arc<RawValue>,
}

impl Appender {
    pub(crate) fn new(store: Arc<dyn EventStore>, streams: &Arc<Streams>) -> Result<Self> {
        Ok(Self {
            store,
            streams: Arc::clone(streams),
            data: content::data()?.into(),
        })
    }

    /// Appends one event. Nobody else writes to these streams, so losing a race is an error.
    pub(crate) async fn append(&self) -> Result<Turn> {
        let (stream, known) = self.streams.take()?;
        let basis = match known {
            Known::Basis(basis) => Some(basis),
            Known::Nothing => None,
        };
        let turn = match self.append_to(&stream.id, basis.as_ref()).await {
            Ok(basis) => {
                stream.put(Known::Basis(basis));
                return Ok(Turn::Done);
            }
            // Nothing was written.
            Err(StoreError::Backpressure { .. }) => Turn::Refused,
            Err(error) => return Err(error.into()),
        };
        stream.put(known);
        sleep(BACK_OFF).await;
        Ok(turn)
    }

    async fn append_to(&self, stream: &StreamId, known: Option<&Basis>) -> Result<Basis, StoreError> {
        let loaded = self.store.load(stream, known).await?;
        let commit = Commit {
            id: Uuid::new_v4(),
            stream: stream.clone(),
            basis: loaded.basis,
            commands: vec![content::command(&self.data)],
        };
        match self.store.commit(commit).await? {
            CommitOutcome::Accepted(receipt) => Ok(receipt.basis),
            CommitOutcome::Void => Err(StoreError::Invalid(
                "a commit is void although nobody else wrote to its stream",
            )),
        }
    }
}

impl Client for Appender {
    async fn turn(&mut self) -> Result<Turn> {
        self.append().await
    }
}
