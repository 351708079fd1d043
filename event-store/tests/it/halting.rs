//! Harmed history stops its partition, and only that.

use std::sync::Arc;
use std::time::Duration;

use domain::StreamId;
use event_store::acceptance::{DEFAULT_WINDOW, Digest};
use event_store::codec::{FenceTarget, encode_fence};
use event_store::journal::memory::MemoryJournal;
use event_store::log::Log as _;
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::simulator::{SimulatedLog, Weather};
use event_store::{AppendToStreamOptions, EventStore, NewEvent, ReadStreamOptions, StoreError, StreamState};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const PARTITIONS: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream in this partition.
fn stream_in(partition: u32) -> StreamId {
    let any = || StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap();
    std::iter::repeat_with(any)
        .find(|stream| stream.partition(PARTITIONS) == partition)
        .unwrap()
}

async fn append(store: &LogStore, stream: &StreamId) -> Result<u64, StoreError> {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_with_harmed_history_stops_for_every_node_and_the_others_go_on() {
    let log = Arc::new(SimulatedLog::new(1, PARTITIONS, Weather::CALM));
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let journal = Arc::new(MemoryJournal::new(pin.log_id, PARTITIONS));
    tokio::spawn(Journaler::new(log.clone(), journal.clone(), pin.window).run(CancellationToken::new()));
    let open = || LogStore::start(log.clone(), journal.clone(), &pin, LogStoreOptions::default());
    let node = open().await.unwrap();
    let (harmed, whole) = (stream_in(0), stream_in(1));
    append(&node, &harmed).await.unwrap();
    append(&node, &whole).await.unwrap();

    // Somebody decided on a last record that is not the one in this log.
    let target = FenceTarget::Stream(harmed.clone());
    let last = i64::try_from(log.end_offset(0).await.unwrap()).unwrap() - 1;
    let foreign = encode_fence(Uuid::new_v4(), &target, last, Digest(7), "");
    log.append(0, foreign).await.unwrap();

    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            // Until the node has read so far its commits are in front of the foreign record or behind it.
            match append(&node, &harmed).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(StoreError::OutcomeUnknown { .. }) => {}
                Err(error) => return error,
            }
        }
    });
    let refused = refused.await.unwrap();
    assert!(
        matches!(refused, StoreError::Halted { partition: 0, .. }),
        "{refused:?}"
    );

    append(&node, &whole).await.unwrap();
    // A node that opens now meets it too, and the journaler has gone on in the other partition.
    let later = open().await.unwrap();
    append(&later, &whole).await.unwrap();
    let events = later.read_stream(&whole, &ReadStreamOptions::default()).await.unwrap();
    assert_eq!(events.len(), 3);
    let refused = append(&later, &harmed).await.unwrap_err();
    let proper = matches!(
        refused,
        StoreError::Halted { partition: 0, .. } | StoreError::OutcomeUnknown { .. }
    );
    assert!(proper, "{refused:?}");
}
