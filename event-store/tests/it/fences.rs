//! Fences on the log store: what was decided before them is void, for every reader, for ever.

use domain::StreamId;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::log_store::LogStore;
use event_store::{
    AppendToStreamOptions, Basis, Commit, CommitOutcome, CommittedCommand, EventStore, NewEvent, StreamState,
};
use serde_json::value::RawValue;
use tokio_util::sync::DropGuard;
use uuid::Uuid;

use crate::simulated::SimulatedWorld;

const PARTITIONS: u32 = 2;

/// A world in which the journal is filled.
async fn journaled_world() -> (SimulatedWorld, DropGuard) {
    let world = SimulatedWorld::new(PARTITIONS, DEFAULT_WINDOW).await;
    let journaler = world.start_journaler();
    (world, journaler)
}

fn event() -> NewEvent {
    NewEvent {
        id: Uuid::new_v4().into(),
        event_type: "sample.happened.v1".to_owned(),
        time: chrono::DateTime::UNIX_EPOCH,
        data: RawValue::from_string("{}".to_owned()).unwrap(),
    }
}

async fn commit(store: &LogStore, stream: &StreamId, basis: Basis) -> CommitOutcome {
    let stamp = AppendToStreamOptions::anonymous(StreamState::Any).stamp;
    let commands = vec![CommittedCommand {
        stamp,
        events: vec![event()],
    }];
    store
        .commit(Commit {
            id: Uuid::new_v4(),
            stream: stream.clone(),
            basis,
            commands,
        })
        .await
        .unwrap()
}

fn is_accepted(outcome: &CommitOutcome) -> bool {
    matches!(outcome, CommitOutcome::Accepted(_))
}

#[tokio::test(start_paused = true)]
async fn a_commit_decided_before_a_stream_fence_is_void_and_one_decided_after_it_is_not() {
    let (log, _journaler) = journaled_world().await;
    let store = log.open().await;
    let (fenced, other) = (
        StreamId::of("task", Uuid::new_v4()),
        StreamId::of("task", Uuid::new_v4()),
    );
    let before = store.load(&fenced, None).await.unwrap().basis;
    let other_before = store.load(&other, None).await.unwrap().basis;
    assert!(store.fence_stream(&fenced).await.unwrap().is_some());
    assert!(!is_accepted(&commit(&store, &fenced, before).await));
    assert!(is_accepted(&commit(&store, &other, other_before).await));
    assert!(!store.confirm(&fenced, &before).await.unwrap());
    let after = store.load(&fenced, Some(&before)).await.unwrap().basis;
    assert!(is_accepted(&commit(&store, &fenced, after).await));
}

#[tokio::test(start_paused = true)]
async fn a_category_fence_covers_all_streams_of_its_category_in_its_partition() {
    let (log, _journaler) = journaled_world().await;
    let store = log.open().await;
    let in_partition = |category: &'static str, partition| {
        std::iter::repeat_with(|| StreamId::of(category, Uuid::new_v4()))
            .find(|stream| stream.partition(PARTITIONS) == partition)
            .unwrap()
    };
    let cases = [
        (in_partition("task", 0), false),
        (in_partition("task", 0), false),
        (in_partition("task", 1), true),
        (in_partition("conversation", 0), true),
    ];
    let mut bases = Vec::new();
    for (stream, _) in &cases {
        bases.push(store.load(stream, None).await.unwrap().basis);
    }
    assert!(store.fence_category("task", 0).await.unwrap().is_some());
    for ((stream, accepted), basis) in cases.iter().zip(bases) {
        assert_eq!(is_accepted(&commit(&store, stream, basis).await), *accepted, "{stream}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_that_opens_after_a_fence_judges_late_commits_as_the_others_do() {
    let (log, _journaler) = journaled_world().await;
    let store = log.open().await;
    let stream = StreamId::of("task", Uuid::new_v4());
    let partition = stream.partition(PARTITIONS);
    let before = store.load(&stream, None).await.unwrap().basis;
    let fence = store.fence_category("task", partition).await.unwrap().unwrap();
    // The journal passes the fence, so a new node starts behind it and has to ask.
    while event_store::journal::Journal::checkpoints(&*log.journal).await.unwrap()[partition as usize].next_offset
        <= fence
    {
        event_store::journal::Journal::wait_moved(&*log.journal).await;
    }
    let late = log.open().await;
    assert!(!is_accepted(&commit(&late, &stream, before).await));
    let after = late.load(&stream, None).await.unwrap().basis;
    assert!(is_accepted(&commit(&late, &stream, after).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_stream_has_as_its_category_cannot_be_fenced() {
    let (log, _journaler) = journaled_world().await;
    let node = log.open().await;
    for name in ["", "a-b", "with a \u{0} in it"] {
        let refused = node.fence_category(name, 0).await.unwrap_err();
        assert_eq!(refused.code(), "log.invalid-request", "{name:?}: {refused:?}");
    }
}
