//! The log store keeps every rule on the simulator, with delays, reorderings and duplicates.

use std::sync::Arc;
use std::time::Duration;

use event_store::EventStore;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::conformance::Subject;
use event_store::journal::memory::MemoryJournal;
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::simulator::{SimulatedLog, Weather};
use tokio_util::sync::CancellationToken;

/// Answers are not lost here: the suite does not repeat what is unknown.
const BREEZE: Weather = Weather {
    max_delay: Duration::from_millis(2),
    duplicate: 200,
    lost_answer: 0,
    refused: 0,
    max_read_delay: Duration::from_millis(1),
};

async fn subject() -> Subject {
    let log = Arc::new(SimulatedLog::new(7, 4, BREEZE));
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let journal = Arc::new(MemoryJournal::new(pin.log_id, 4));
    tokio::spawn(Journaler::new(log.clone(), journal.clone(), &pin).run(CancellationToken::new()));
    let open = move || {
        let (log, journal, pin) = (log.clone(), journal.clone(), pin.clone());
        async move {
            Arc::new(
                LogStore::start(log, journal, &pin, LogStoreOptions::default())
                    .await
                    .unwrap(),
            ) as Arc<dyn EventStore>
        }
    };
    Subject {
        store: open().await,
        reopen: Box::new(move || Box::pin(open())),
    }
}

event_store::conformance_suite!(subject());
