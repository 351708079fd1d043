//! Appends, expected states, and pages.

use super::{Subject, assert_contiguous, event, events, options, read, stream};
use crate::{Direction, ReadStreamOptions, StoreError, StreamState};

pub async fn appended_events_are_read_back_in_order(subject: &Subject) {
    let stream = stream("sample");
    let written = subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(3))
        .await
        .unwrap();
    assert_eq!(written.next_expected_version, 2);
    let read = read(&*subject.store, &stream).await;
    assert_eq!(read.len(), 3);
    assert_contiguous(&read);
    for (event, number) in read.iter().zip(0..) {
        assert_eq!(super::json(&event.data), serde_json::json!({ "number": number }));
        assert_eq!(event.event_type, "sample.happened.v1");
        assert_eq!(event.stream, stream);
    }
    assert_eq!(read[2].at, written.at);
}

pub async fn any_state_accepts_new_and_existing_streams(subject: &Subject) {
    let stream = stream("sample");
    for revision in 0..3 {
        let written = subject
            .store
            .append_to_stream(&stream, &options(StreamState::Any), events(1))
            .await
            .unwrap();
        assert_eq!(written.next_expected_version, revision);
    }
}

pub async fn no_stream_refuses_an_existing_stream_with_its_revision(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::NoStream), events(2))
        .await
        .unwrap();
    let refused = subject
        .store
        .append_to_stream(&stream, &options(StreamState::NoStream), events(1))
        .await;
    assert_refused(refused, Some(1));
    assert_eq!(read(&*subject.store, &stream).await.len(), 2);
}

pub async fn stream_exists_refuses_a_new_stream(subject: &Subject) {
    let stream = stream("sample");
    let refused = subject
        .store
        .append_to_stream(&stream, &options(StreamState::StreamExists), events(1))
        .await;
    assert_refused(refused, None);
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(1))
        .await
        .unwrap();
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::StreamExists), events(1))
        .await
        .unwrap();
    assert_eq!(read(&*subject.store, &stream).await.len(), 2);
}

pub async fn an_exact_revision_refuses_every_other_with_the_current_one(subject: &Subject) {
    let stream = stream("sample");
    let exactly = |revision| options(StreamState::StreamRevision(revision));
    assert_refused(
        subject.store.append_to_stream(&stream, &exactly(0), events(1)).await,
        None,
    );
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::NoStream), events(1))
        .await
        .unwrap();
    subject
        .store
        .append_to_stream(&stream, &exactly(0), events(2))
        .await
        .unwrap();
    assert_refused(
        subject.store.append_to_stream(&stream, &exactly(0), events(1)).await,
        Some(2),
    );
    assert_refused(
        subject.store.append_to_stream(&stream, &exactly(3), events(1)).await,
        Some(2),
    );
    assert_eq!(read(&*subject.store, &stream).await.len(), 3);
}

pub async fn an_append_without_events_is_refused(subject: &Subject) {
    let refused = subject
        .store
        .append_to_stream(&stream("sample"), &options(StreamState::Any), Vec::new())
        .await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
}

pub async fn pages_go_forwards_and_backwards(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(10))
        .await
        .unwrap();
    subject
        .store
        .append_to_stream(&super::stream("sample"), &options(StreamState::Any), vec![event("1")])
        .await
        .unwrap();
    let page = async |from, direction, max_count| {
        let options = ReadStreamOptions {
            from,
            direction,
            max_count,
        };
        let page = subject.store.read_stream(&stream, &options).await.unwrap();
        page.iter().map(|event| event.revision).collect::<Vec<_>>()
    };
    assert_eq!(page(None, Direction::Forwards, 3).await, [0, 1, 2]);
    assert_eq!(page(Some(8), Direction::Forwards, 5).await, [8, 9]);
    assert_eq!(page(Some(10), Direction::Forwards, 5).await, [0_u64; 0]);
    assert_eq!(page(None, Direction::Backwards, 3).await, [9, 8, 7]);
    assert_eq!(page(Some(1), Direction::Backwards, 5).await, [1, 0]);
}

fn assert_refused(outcome: Result<crate::WriteResult, StoreError>, revision: Option<u64>) {
    match outcome {
        Err(StoreError::WrongExpectedRevision { current, .. }) => assert_eq!(current, revision),
        other => panic!("should be refused with revision {revision:?}, was {other:?}"),
    }
}
