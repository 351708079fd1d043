//! Copies of a topic by tools that give records other offsets are refused: at the opening by their pins, or by the first reader.

use std::sync::Arc;

use domain::StreamId;
use event_store::StoreError;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::codec::Pin;
use event_store::journal::memory::MemoryJournal;
use event_store::log::{Log, LogRecord};
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use kafka::{KafkaLog, KafkaOptions};
use tokio_util::sync::CancellationToken;

use crate::servers;
use crate::topics::{PATIENCE, Topic, any_record, copy_of, records};

const COMMITS: usize = 5;

fn one_partition() -> KafkaOptions {
    KafkaOptions {
        partitions: 1,
        ..servers::topic()
    }
}

async fn node(log: &Arc<KafkaLog>, pin: &Pin) -> LogStore {
    let journal = Arc::new(MemoryJournal::new(pin.log_id, pin.partitions));
    tokio::spawn(Journaler::new(log.clone(), journal.clone(), pin).run(CancellationToken::new()));
    LogStore::start(log.clone(), journal, pin, LogStoreOptions::default())
        .await
        .unwrap()
}

fn stream() -> StreamId {
    StreamId::parse("sample-mirrored").unwrap()
}

/// The records of a log with some accepted commits (fences: commits without events), the pin first.
async fn history() -> Vec<LogRecord> {
    let (log, pin) = Topic::new(one_partition()).open().await;
    let log = Arc::new(log);
    let store = node(&log, &pin).await;
    for _ in 0..COMMITS {
        store.fence_stream(&stream()).await.unwrap().unwrap();
    }
    let records = records(&log).await;
    assert_eq!(records.len(), COMMITS + 1);
    records
}

/// A topic with copies of these.
async fn mirror(records: impl IntoIterator<Item = &LogRecord>) -> Arc<KafkaLog> {
    let log = KafkaLog::open(one_partition()).await.unwrap();
    for record in records {
        log.append(0, copy_of(record)).await.unwrap();
    }
    Arc::new(log)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_whose_records_come_later_is_refused_at_the_opening() {
    let history = history().await;
    let log = KafkaLog::open(one_partition()).await.unwrap();
    log.append(0, any_record()).await.unwrap();
    for record in &history {
        log.append(0, copy_of(record)).await.unwrap();
    }
    let refused = open_log(&log, DEFAULT_WINDOW).await.unwrap_err().to_string();
    assert!(refused.contains("partition 0 does not begin with a pin"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_lacks_a_record_stops_its_first_reader() {
    let history = history().await;
    let log = mirror(history[..3].iter().chain(&history[4..])).await;
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let store = node(&log, &pin).await;
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            // Until the node has read so far, it does not know.
            match store.fence_stream(&stream()).await {
                Ok(_) | Err(StoreError::OutcomeUnknown { .. }) => tokio::task::yield_now().await,
                Err(error) => return error,
            }
        }
    });
    let refused = refused.await.unwrap();
    assert!(
        matches!(refused, StoreError::Halted { partition: 0, .. }),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exact_copy_is_the_same_log() {
    // What the two above refuse is the shift, not the copying.
    let log = mirror(&history().await).await;
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let store = node(&log, &pin).await;
    let fenced = tokio::time::timeout(PATIENCE, async {
        while store.fence_stream(&stream()).await.unwrap().is_none() {}
    });
    fenced.await.unwrap();
}
