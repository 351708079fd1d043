//! A state that is known and still the newest is decided on without a look at the journal, and its commits are not void for age.

use domain::StreamId;
use event_store::log_store::LogStore;
use event_store::{
    AppendToStreamOptions, Basis, Commit, CommitOutcome, CommittedCommand, EventStore, NewEvent, StoreError,
    StreamState,
};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::simulated::{PATIENCE, SimulatedWorld};

const WINDOW: u64 = 16;

fn stream() -> StreamId {
    StreamId::parse(&format!("sample-{}", Uuid::new_v4())).unwrap()
}

async fn commit(store: &LogStore, stream: &StreamId, basis: Basis) -> Option<Basis> {
    let event = NewEvent {
        id: Uuid::new_v4().into(),
        event_type: "sample.happened.v1".to_owned(),
        time: chrono::DateTime::UNIX_EPOCH,
        data: RawValue::from_string("{}".to_owned()).unwrap(),
    };
    let commit = Commit {
        id: Uuid::new_v4(),
        stream: stream.clone(),
        basis,
        commands: vec![CommittedCommand {
            stamp: AppendToStreamOptions::anonymous(StreamState::Any).stamp,
            events: vec![event],
        }],
    };
    // So small a window is soon too far ahead of the journal; then nothing was sent, and the store says so.
    let taken = async {
        loop {
            match store.commit(commit.clone()).await {
                Ok(CommitOutcome::Accepted(receipt)) => return Some(receipt.basis),
                Ok(CommitOutcome::Void) => return None,
                Err(StoreError::Backpressure { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_on_a_known_state_is_never_void_for_its_age() {
    let world = SimulatedWorld::new(1, WINDOW).await;
    let _journaler = world.start_journaler();
    let store = world.open().await;
    // As far behind as the window reaches, and on both sides of that.
    for others in WINDOW - 2..=WINDOW + 2 {
        let stream = stream();
        let basis = store.load(&stream, None).await.unwrap().basis;
        let known = commit(&store, &stream, basis).await.unwrap();
        for _ in 0..others {
            let other = self::stream();
            let basis = store.load(&other, None).await.unwrap().basis;
            commit(&store, &other, basis).await.unwrap();
        }
        let loaded = store.load(&stream, Some(&known)).await.unwrap();
        assert!(loaded.events.is_empty());
        assert!(
            commit(&store, &stream, loaded.basis).await.is_some(),
            "after {others} others"
        );
    }
}
