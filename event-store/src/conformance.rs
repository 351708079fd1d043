//! One suite that every event store must pass. [`conformance_suite!`](crate::conformance_suite) makes a test of each rule.
//!
//! A rule takes a [`Subject`]: a store that nobody else uses, and a way to open another node on the same log.

// Rules are tests: a broken promise is a panic, and what cannot fail for a test's own data is unwrapped.
// A rule is documented by its name.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc
)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use domain::{CommandId, EventId, StreamId};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    AppendToStreamOptions, Cut, EventStore, FollowBatch, NewEvent, Position, ReadAllOptions, ReadStreamOptions,
    RecordedEvent, StreamState,
};

/// Rules; see the file.
pub mod appending;
/// Rules; see the file.
pub mod concurrency;
/// Rules; see the file.
pub mod content;
/// Rules; see the file.
pub mod deciding;
/// Rules; see the file.
pub mod following;
/// Rules; see the file.
pub mod idempotency;

/// Rules; see the file.
pub mod rejecting;

/// Opens one more node on the subject's log.
pub type Reopen = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Arc<dyn EventStore>> + Send>> + Send + Sync>;

/// What a rule is tried on.
pub struct Subject {
    /// A node on a log that nobody else uses.
    pub store: Arc<dyn EventStore>,
    /// Another node on the same log, as another process would open it.
    pub reopen: Reopen,
}

/// Longest time that anything in the suite may take.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Makes a `#[tokio::test]` of every rule. `$subject` is an async expression that makes a fresh [`Subject`].
#[macro_export]
macro_rules! conformance_suite {
    ($subject:expr) => {
        $crate::conformance_suite!(@rules $subject,
            appending: appended_events_are_read_back_in_order,
            appending: any_state_accepts_new_and_existing_streams,
            appending: no_stream_refuses_an_existing_stream_with_its_revision,
            appending: stream_exists_refuses_a_new_stream,
            appending: an_exact_revision_refuses_every_other_with_the_current_one,
            appending: an_append_without_events_is_refused,
            appending: pages_go_forwards_and_backwards,
            content: a_large_batch_is_one_piece,
            content: large_and_empty_events_come_back_as_they_went,
            content: a_commit_above_the_limit_is_refused_and_leaves_nothing,
            content: unicode_ids_and_texts_come_back_as_they_went,
            content: text_that_postgresql_cannot_store_is_refused_and_leaves_nothing,
            content: metadata_comes_back_as_it_went,
            idempotency: a_repeated_command_id_appends_nothing_and_gives_the_first_answer,
            idempotency: a_command_id_with_other_content_is_refused,
            idempotency: a_command_id_of_another_principal_is_another_command,
            idempotency: a_command_id_is_remembered_by_another_node,
            deciding: a_commit_on_an_old_basis_is_void,
            deciding: a_load_after_a_known_basis_returns_what_is_new,
            deciding: a_basis_is_confirmed_until_the_stream_moves,
            deciding: several_commands_go_in_one_commit,
            rejecting: a_recorded_rejection_is_loaded_by_every_node,
            rejecting: a_commit_of_a_command_that_was_refused_for_good_is_void,
            rejecting: a_rejection_that_was_decided_on_old_state_is_not_recorded,
            rejecting: a_command_is_refused_for_good_once,
            following: a_follower_catches_up_then_goes_on_live_without_gap_or_repeat,
            following: followers_of_some_partitions_share_the_log_without_gap_or_repeat,
            following: a_follower_resumes_at_its_cut,
            following: a_level_follower_is_not_behind,
            following: read_all_has_positions_in_order_without_gap,
            following: nobody_is_behind_on_an_empty_log,
            concurrency: sixteen_writers_lose_nothing_for_reader_and_follower,
            concurrency: of_writers_with_one_expectation_exactly_one_wins,
            concurrency: writers_on_two_nodes_make_one_contiguous_stream,
            concurrency: what_was_acknowledged_is_read_by_a_node_that_opens_later,
        );
    };
    (@rules $subject:expr, $($topic:ident : $rule:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $rule() {
                let subject: $crate::conformance::Subject = $subject.await;
                tokio::time::timeout($crate::conformance::PATIENCE, $crate::conformance::$topic::$rule(&subject))
                    .await
                    .expect("the rule must be kept in time");
            }
        )*
    };
}

/// A stream of its own.
fn stream(name: &str) -> StreamId {
    StreamId::parse(&format!("{name}-{}", Uuid::new_v4())).unwrap()
}

/// An event with this payload.
fn event(data: &str) -> NewEvent {
    NewEvent {
        id: EventId::new(Uuid::new_v4()),
        event_type: "sample.happened.v1".to_owned(),
        time: DateTime::parse_from_rfc3339("2024-02-29T12:34:56.123456Z")
            .unwrap()
            .to_utc(),
        data: RawValue::from_string(data.to_owned()).unwrap(),
    }
}

/// Events numbered from 0.
fn events(count: usize) -> Vec<NewEvent> {
    (0..count)
        .map(|number| event(&format!("{{\"number\":{number}}}")))
        .collect()
}

fn options(state: StreamState) -> AppendToStreamOptions {
    AppendToStreamOptions::anonymous(state)
}

fn command(state: StreamState, id: &str, hash: u128) -> AppendToStreamOptions {
    let mut options = options(state);
    options.stamp.command_id = CommandId::parse(id).unwrap();
    options.stamp.command_hash = hash;
    options
}

async fn read(store: &dyn EventStore, stream: &StreamId) -> Vec<RecordedEvent> {
    store.read_stream(stream, &ReadStreamOptions::default()).await.unwrap()
}

fn assert_contiguous(events: &[RecordedEvent]) {
    for (event, revision) in events.iter().zip(0..) {
        assert_eq!(
            event.revision, revision,
            "stream {} has a gap or a repeat",
            event.stream
        );
    }
}

/// The same JSON value, whatever its spacing.
fn json(data: &RawValue) -> serde_json::Value {
    serde_json::from_str(data.get()).unwrap()
}

/// Follows from `from` until `wanted` events came.
async fn follow_until(store: &dyn EventStore, from: Cut, wanted: usize) -> (Vec<RecordedEvent>, Cut) {
    let mut follow = store.follow(from.clone()).await.unwrap();
    let (mut events, mut cut) = (Vec::new(), from);
    while events.len() < wanted {
        let FollowBatch {
            events: more,
            cut: reached,
        } = follow.next().await.unwrap();
        events.extend(more);
        cut.merge(&reached);
    }
    (events, cut)
}

/// Reads the whole log in pages until `wanted` events came.
async fn read_all_until(store: &dyn EventStore, wanted: usize) -> Vec<RecordedEvent> {
    let mut events: Vec<RecordedEvent> = Vec::new();
    while events.len() < wanted {
        let after = events
            .last()
            .and_then(|event| event.position)
            .unwrap_or(Position::START);
        let page = store.read_all(&ReadAllOptions { after, max_count: 97 }).await.unwrap();
        if page.is_empty() {
            store.wait_for_events_after(after).await.unwrap();
        }
        events.extend(page);
    }
    events
}
