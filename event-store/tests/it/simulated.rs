//! A simulated log with its journal, and what runs on them.

use std::sync::Arc;
use std::time::Duration;

use event_store::codec::Pin;
use event_store::journal::Journal as _;
use event_store::journal::memory::MemoryJournal;
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::simulator::{SimulatedLog, Weather};
use tokio_util::sync::{CancellationToken, DropGuard};

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
