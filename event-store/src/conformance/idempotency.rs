//! A command id has its effect once.

use domain::UserId;
use uuid::Uuid;

use super::{Subject, command, events, options, read, stream};
use crate::{StoreError, StreamState};

pub async fn a_repeated_command_id_appends_nothing_and_gives_the_first_answer(subject: &Subject) {
    let stream = stream("sample");
    let append = command(StreamState::Any, "pay-1", 7);
    let first = subject
        .store
        .append_to_stream(&stream, &append, events(2))
        .await
        .unwrap();
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(1))
        .await
        .unwrap();
    let again = subject
        .store
        .append_to_stream(&stream, &append, events(2))
        .await
        .unwrap();
    assert!(again.already_done && !first.already_done);
    assert_eq!(again.next_expected_version, first.next_expected_version);
    assert_eq!(again.at, first.at);
    assert_eq!(read(&*subject.store, &stream).await.len(), 3);
}

pub async fn a_command_id_with_other_content_is_refused(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &command(StreamState::Any, "pay-1", 7), events(1))
        .await
        .unwrap();
    let refused = subject
        .store
        .append_to_stream(&stream, &command(StreamState::Any, "pay-1", 8), events(1))
        .await;
    assert!(
        matches!(refused, Err(StoreError::CommandIdReused { .. })),
        "{refused:?}"
    );
    assert_eq!(read(&*subject.store, &stream).await.len(), 1);
}

pub async fn a_command_id_of_another_principal_is_another_command(subject: &Subject) {
    let stream = stream("sample");
    let first = command(StreamState::Any, "pay-1", 7);
    let mut second = first.clone();
    second.stamp.actor = UserId::new(Uuid::new_v4());
    subject
        .store
        .append_to_stream(&stream, &first, events(1))
        .await
        .unwrap();
    let written = subject
        .store
        .append_to_stream(&stream, &second, events(1))
        .await
        .unwrap();
    assert!(!written.already_done);
    assert_eq!(read(&*subject.store, &stream).await.len(), 2);
}

pub async fn a_command_id_is_remembered_by_another_node(subject: &Subject) {
    let stream = stream("sample");
    let append = command(StreamState::NoStream, "pay-1", 7);
    let first = subject
        .store
        .append_to_stream(&stream, &append, events(1))
        .await
        .unwrap();
    let other = (subject.reopen)().await;
    let again = other.append_to_stream(&stream, &append, events(1)).await.unwrap();
    assert!(again.already_done);
    assert_eq!(again.at, first.at);
    assert_eq!(read(&*other, &stream).await.len(), 1);
}
