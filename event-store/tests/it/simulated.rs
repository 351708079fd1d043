//! A simulated log with its journal, and what runs on them.

use std::sync::Arc;
use std::time::Duration;

use domain::StreamId;
use event_store::codec::Pin;
use event_store::journal::Journal as _;
use event_store::journal::memory::MemoryJournal;
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::simulator::{SimulatedLog, Weather};
use event_store::{AppendToStreamOptions, EventStore as _, NewEvent, StoreError, StreamState};
use serde_json::value::RawValue;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// One log, on which nothing runs yet.
pub(crate) struct SimulatedWorld {
    pub(crate) log: Arc<SimulatedLog>,
    pub(crate) journal: Arc<MemoryJournal>,
    pub(crate) pin: Pin,
}

impl SimulatedWorld {
    pub(crate) async fn new(partitions: u32, window: u64) -> Self {
        let log = Arc::new(SimulatedLog::new(1, partitions, Weather::CALM));
        let pin = open_log(&*log, window).await.unwrap();
        let journal = Arc::new(MemoryJournal::new(pin.log_id, partitions));
        Self { log, journal, pin }
    }

    /// Starts a journaler, to be stopped by what is returned.
    pub(crate) fn start_journaler(&self) -> DropGuard {
        let stop = CancellationToken::new();
        let journaler = Journaler::new(self.log.clone(), self.journal.clone(), &self.pin);
        tokio::spawn(journaler.run(stop.clone()));
        stop.drop_guard()
    }

    /// One more node.
    pub(crate) async fn open(&self) -> LogStore {
        let options = LogStoreOptions::default();
        LogStore::start(self.log.clone(), self.journal.clone(), &self.pin, options)
            .await
            .unwrap()
    }

    /// Waits until the journal has taken everything of partition 0 below `offset`.
    pub(crate) async fn journaled(&self, offset: u64) {
        let taken = async {
            while self.journal.checkpoints().await.unwrap()[0].next_offset < offset {
                self.journal.wait_moved().await;
            }
        };
        tokio::time::timeout(PATIENCE, taken).await.unwrap();
    }
}

/// Appends one event to a stream, whatever it holds.
pub(crate) async fn append(store: &LogStore, stream: &StreamId) -> Result<u64, StoreError> {
    let event = NewEvent {
        id: Uuid::new_v4().into(),
        event_type: "sample.happened.v1".to_owned(),
        time: chrono::DateTime::UNIX_EPOCH,
        data: RawValue::from_string("{}".to_owned()).unwrap(),
    };
    let options = AppendToStreamOptions::anonymous(StreamState::Any);
    let written = store.append_to_stream(stream, &options, vec![event]).await?;
    Ok(written.next_expected_version)
}
