//! The level of command handling: load, commit, confirm.

use domain::StreamId;
use uuid::Uuid;

use super::{Subject, assert_contiguous, command, events, options, read, stream};
use crate::{Basis, Commit, CommitOutcome, CommitReceipt, CommittedCommand, EventStore, StreamState};

pub(super) fn commit(stream: &StreamId, basis: Basis, counts: &[usize]) -> Commit {
    let commands = counts.iter().zip(0..).map(|(count, number)| CommittedCommand {
        stamp: command(StreamState::Any, &format!("{}-{number}", Uuid::new_v4()), number).stamp,
        events: events(*count),
    });
    Commit {
        id: Uuid::new_v4(),
        stream: stream.clone(),
        basis,
        commands: commands.collect(),
    }
}

pub(super) async fn accepted(store: &dyn EventStore, commit: Commit) -> CommitReceipt {
    match store.commit(commit).await.unwrap() {
        CommitOutcome::Accepted(receipt) => receipt,
        CommitOutcome::Void => panic!("the commit should be accepted"),
    }
}

pub async fn a_commit_on_an_old_basis_is_void(subject: &Subject) {
    let stream = stream("sample");
    let old = subject.store.load(&stream, None).await.unwrap().basis;
    let receipt = accepted(&*subject.store, commit(&stream, old, &[1])).await;
    assert_eq!(
        subject.store.commit(commit(&stream, old, &[1])).await.unwrap(),
        CommitOutcome::Void
    );
    // What the receipt says may be decided on at once.
    accepted(&*subject.store, commit(&stream, receipt.basis, &[1])).await;
    assert_eq!(
        subject
            .store
            .commit(commit(&stream, receipt.basis, &[1]))
            .await
            .unwrap(),
        CommitOutcome::Void
    );
    let read = read(&*subject.store, &stream).await;
    assert_eq!(read.len(), 2);
    assert_contiguous(&read);
}

pub async fn a_load_after_a_known_basis_returns_what_is_new(subject: &Subject) {
    let stream = stream("sample");
    subject
        .store
        .append_to_stream(&stream, &options(StreamState::Any), events(2))
        .await
        .unwrap();
    let known = subject.store.load(&stream, None).await.unwrap();
    assert_eq!(known.events.len(), 2);
    assert_eq!(known.basis.revision, Some(1));
    let unmoved = subject.store.load(&stream, Some(&known.basis)).await.unwrap();
    assert!(unmoved.events.is_empty());
    let other = (subject.reopen)().await;
    other
        .append_to_stream(&stream, &options(StreamState::Any), events(3))
        .await
        .unwrap();
    // The first node may not have heard of it; a failed confirmation makes sure that it has.
    assert!(!subject.store.confirm(&stream, &known.basis).await.unwrap());
    let moved = subject.store.load(&stream, Some(&known.basis)).await.unwrap();
    assert_eq!(
        moved.events.iter().map(|event| event.revision).collect::<Vec<_>>(),
        [2, 3, 4]
    );
    accepted(&*subject.store, commit(&stream, moved.basis, &[1])).await;
}

pub async fn a_basis_is_confirmed_until_the_stream_moves(subject: &Subject) {
    let stream = stream("sample");
    let empty = subject.store.load(&stream, None).await.unwrap().basis;
    assert!(subject.store.confirm(&stream, &empty).await.unwrap());
    subject
        .store
        .append_to_stream(&super::stream("sample"), &options(StreamState::Any), events(1))
        .await
        .unwrap();
    assert!(subject.store.confirm(&stream, &empty).await.unwrap());
    let receipt = accepted(&*subject.store, commit(&stream, empty, &[1])).await;
    assert!(!subject.store.confirm(&stream, &empty).await.unwrap());
    assert!(subject.store.confirm(&stream, &receipt.basis).await.unwrap());
    let other = (subject.reopen)().await;
    assert!(!other.confirm(&stream, &empty).await.unwrap());
}

pub async fn several_commands_go_in_one_commit(subject: &Subject) {
    let stream = stream("sample");
    let basis = subject.store.load(&stream, None).await.unwrap().basis;
    let commit = commit(&stream, basis, &[2, 1, 3]);
    let stamps: Vec<_> = commit.events().map(|(_, stamp, _)| stamp.clone()).collect();
    let receipt = accepted(&*subject.store, commit).await;
    assert_eq!(receipt.revision, 5);
    let read = read(&*subject.store, &stream).await;
    assert_contiguous(&read);
    assert_eq!(read.into_iter().map(|event| event.metadata).collect::<Vec<_>>(), stamps);
}
