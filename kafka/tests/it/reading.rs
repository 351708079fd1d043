//! Records that are gone stop the partition that they were in, and only that.

use std::sync::Arc;
use std::time::Duration;

use domain::StreamId;
use event_store::StoreError;
use event_store::codec::Pin;
use event_store::journal::memory::MemoryJournal;
use event_store::log_store::{Journaler, LogStore, LogStoreOptions};
use kafka::{KafkaLog, KafkaOptions};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::servers;
use crate::topics::{PATIENCE, RIGHT, Topic};

const PARTITIONS: u32 = 2;

/// The guard is not what stops anything here.
fn unwatched_topic() -> Topic {
    Topic::new(KafkaOptions {
        partitions: PARTITIONS,
        guard_interval_ms: 600_000,
        ..servers::topic()
    })
}

async fn node(log: &Arc<KafkaLog>, journal: &Arc<MemoryJournal>, pin: &Pin) -> LogStore {
    tokio::spawn(Journaler::new(log.clone(), journal.clone(), pin).run(CancellationToken::new()));
    let options = LogStoreOptions {
        commit_timeout: Duration::from_secs(2),
        ..LogStoreOptions::default()
    };
    LogStore::start(log.clone(), journal.clone(), pin, options)
        .await
        .unwrap()
}

fn stream_in(partition: u32) -> StreamId {
    let any = || StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap();
    std::iter::repeat_with(any)
        .find(|stream| stream.partition(PARTITIONS) == partition)
        .unwrap()
}

/// The error with which a partition is stopped.
async fn stopped(store: &LogStore, partition: u32) -> (u32, u64, String) {
    let stream = stream_in(partition);
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            match store.fence_stream(&stream).await {
                Ok(_) | Err(StoreError::OutcomeUnknown { .. } | StoreError::Unavailable { .. }) => {
                    tokio::task::yield_now().await;
                }
                Err(error) => return error,
            }
        }
    });
    match refused.await.unwrap() {
        StoreError::Halted {
            partition,
            offset,
            reason,
        } => (partition, offset, reason),
        other => panic!("the partition is stopped, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_stop_their_partition_and_the_others_go_on() {
    let topic = unwatched_topic();
    let (log, pin) = topic.open().await;
    let log = Arc::new(log);
    let first = node(&log, &Arc::new(MemoryJournal::new(pin.log_id, PARTITIONS)), &pin).await;
    for partition in 0..PARTITIONS {
        for _ in 0..3 {
            first.fence_stream(&stream_in(partition)).await.unwrap().unwrap();
        }
    }
    topic.delete_records(0, 2).await;
    // A node that begins at the beginning misses them.
    let later = node(&log, &Arc::new(MemoryJournal::new(pin.log_id, PARTITIONS)), &pin).await;
    let (partition, offset, reason) = stopped(&later, 0).await;
    assert_eq!((partition, offset), (0, 0), "{reason}");
    assert!(reason.contains("from offset 0 to 1 were deleted"), "{reason}");
    let fenced = tokio::time::timeout(PATIENCE, async {
        // Decided before the node had read what is there: again.
        while later.fence_stream(&stream_in(1)).await.unwrap().is_none() {}
    });
    fenced.await.unwrap();
    // One that had read them misses nothing.
    first.fence_stream(&stream_in(0)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_again_stops_every_partition_of_a_running_node() {
    let topic = unwatched_topic();
    let (log, pin) = topic.open().await;
    let log = Arc::new(log);
    let store = node(&log, &Arc::new(MemoryJournal::new(pin.log_id, PARTITIONS)), &pin).await;
    for partition in 0..PARTITIONS {
        for _ in 0..20 {
            store.fence_stream(&stream_in(partition)).await.unwrap().unwrap();
        }
    }
    topic.delete().await;
    topic.create(&RIGHT).await;
    for partition in 0..PARTITIONS {
        let (found, _, reason) = stopped(&store, partition).await;
        assert_eq!(found, partition, "{reason}");
    }
}
