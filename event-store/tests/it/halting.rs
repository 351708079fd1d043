//! Harmed history stops its partition, and only that.

use domain::StreamId;
use event_store::acceptance::{DEFAULT_WINDOW, Digest, Ruled, Ruling};
use event_store::codec::{FenceTarget, encode_fence};
use event_store::journal::Journal as _;
use event_store::log::Log as _;
use event_store::log_store::LogStore;
use event_store::{EventStore, ReadStreamOptions, StoreError};
use uuid::Uuid;

use crate::simulated::{PATIENCE, SimulatedWorld, append};

const PARTITIONS: u32 = 2;

/// A stream in this partition.
fn stream_in(partition: u32) -> StreamId {
    let any = || StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap();
    std::iter::repeat_with(any)
        .find(|stream| stream.partition(PARTITIONS) == partition)
        .unwrap()
}

impl SimulatedWorld {
    /// Somebody decided on a last record that is not the one in this log. Returns the offset of what he wrote.
    async fn harm(&self, stream: &StreamId) -> u64 {
        let target = FenceTarget::Stream(stream.clone());
        let last = i64::try_from(self.log.end_offset(0).await.unwrap()).unwrap() - 1;
        let foreign = encode_fence(Uuid::new_v4(), &target, last, Digest(7), "");
        self.log.append(0, foreign).await.unwrap()
    }

    async fn rule(&self, offset: u64, ruled: Ruled) {
        let ruling = Ruling {
            log_id: self.pin.log_id,
            partition: 0,
            offset,
            ruled,
            reason: "a test".to_owned(),
            at: chrono::DateTime::UNIX_EPOCH,
        };
        self.log.rule(&ruling).await.unwrap();
    }

    /// Waits until this is ruled on an offset.
    async fn ruled(&self, offset: u64, ruled: Ruled) {
        let told = async {
            let is_told = |ruling: &Ruling| (ruling.offset, ruling.ruled) == (offset, ruled);
            while !self.log.rulings().await.unwrap().iter().any(is_told) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.unwrap();
    }
}

/// Appends until the store refuses: until it has read so far, its commits are in front of the foreign record or behind it.
async fn refused(store: &LogStore, stream: &StreamId) -> StoreError {
    let refused = async {
        loop {
            match append(store, stream).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(StoreError::OutcomeUnknown { .. }) => {}
                Err(error) => return error,
            }
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_with_harmed_history_stops_for_every_node_and_the_others_go_on() {
    let world = SimulatedWorld::new(PARTITIONS, DEFAULT_WINDOW).await;
    let _journaler = world.start_journaler();
    let node = world.open().await;
    let (harmed, whole) = (stream_in(0), stream_in(1));
    append(&node, &harmed).await.unwrap();
    append(&node, &whole).await.unwrap();
    let offset = world.harm(&harmed).await;
    let error = refused(&node, &harmed).await;
    let StoreError::Halted {
        partition: 0,
        offset: stopped_at,
        reason,
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!(*stopped_at, offset);
    assert!(
        reason.contains(&format!("coding-agent log rule --partition 0 --offset {offset}")),
        "it says what to do: {reason}"
    );

    append(&node, &whole).await.unwrap();
    // A node that opens now meets it too, and the journaler has gone on in the other partition.
    let later = world.open().await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_ruling_lets_the_partition_go_on_for_everybody_who_starts_after_it() {
    for ruled in [Ruled::Void, Ruled::Judge] {
        let world = SimulatedWorld::new(PARTITIONS, DEFAULT_WINDOW).await;
        let journaler = world.start_journaler();
        let node = world.open().await;
        let harmed = stream_in(0);
        append(&node, &harmed).await.unwrap();
        let offset = world.harm(&harmed).await;
        refused(&node, &harmed).await;
        world.journaled(offset).await;
        drop((node, journaler));

        world.rule(offset, ruled).await;
        // The first ruling counts; one on another log does not.
        world.rule(offset, Ruled::Missing { until: 99 }).await;
        let _journaler = world.start_journaler();
        let nodes = [world.open().await, world.open().await];
        let mut last = 0;
        for node in nodes.iter().chain(&nodes) {
            last = append(node, &harmed).await.unwrap();
        }
        world.journaled(world.log.end_offset(0).await.unwrap()).await;
        let events = nodes[0]
            .read_stream(&harmed, &ReadStreamOptions::default())
            .await
            .unwrap();
        assert_eq!(events.len() as u64, last + 1);
        // Accepted as a fence, or void as it was ruled.
        let fence = FenceTarget::Stream(harmed.clone());
        let (covering, _) = world.journal.last_covering(0, &fence, offset + 1).await.unwrap();
        assert_eq!(covering == Some(offset), ruled == Ruled::Judge, "{ruled:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_holds_for_those_who_start_later_and_cannot_see_the_harm() {
    let world = SimulatedWorld::new(PARTITIONS, DEFAULT_WINDOW).await;
    let journaler = world.start_journaler();
    let node = world.open().await;
    let (stream, other) = (stream_in(0), stream_in(0));
    append(&node, &other).await.unwrap();
    append(&node, &stream).await.unwrap();
    // Decided on another record at offset 1. A reader that starts at the end of this history has no digest of that offset.
    let foreign = encode_fence(Uuid::new_v4(), &FenceTarget::Stream(stream_in(0)), 1, Digest(7), "");
    let offset = world.log.append(0, foreign).await.unwrap();
    refused(&node, &other).await;
    world.journaled(offset).await;
    world.ruled(offset, Ruled::Stop).await;
    drop((node, journaler));

    let _journaler = world.start_journaler();
    let later = world.open().await;
    let error = refused(&later, &stream).await;
    assert!(
        matches!(error, StoreError::Halted { offset: at, .. } if at == offset),
        "{error:?}"
    );
    assert_eq!(world.journal.checkpoints().await.unwrap()[0].next_offset, offset);

    // An operator's word stands above it.
    world.rule(offset, Ruled::Void).await;
    let again = world.open().await;
    let _journaler = world.start_journaler();
    append(&again, &stream).await.unwrap();
}
