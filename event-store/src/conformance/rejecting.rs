//! Negative answers that are recorded are final.

use serde_json::json;
use uuid::Uuid;

use super::deciding::{accepted, commit};
use super::{Subject, assert_contiguous, read, stream};
use crate::{Commit, CommitOutcome, RecordedRejection};

/// An answer to the first command of a commit.
fn rejection_of(commit: &Commit) -> RecordedRejection {
    let stamp = &commit.commands[0].stamp;
    RecordedRejection {
        command: stamp.scoped_command(),
        command_hash: stamp.command_hash,
        answer: json!({"refused": "a rule", "text": "ünïcode \u{1f980}"}),
    }
}

pub async fn a_recorded_rejection_is_loaded_by_every_node(subject: &Subject) {
    for events in [0, 2] {
        let stream = stream("sample");
        let mut basis = subject.store.load(&stream, None).await.unwrap().basis;
        if events > 0 {
            basis = accepted(&*subject.store, commit(&stream, basis, &[events])).await.basis;
        }
        let rejections = [&commit(&stream, basis, &[1]), &commit(&stream, basis, &[1])].map(rejection_of);
        let after = subject
            .store
            .record_rejections(&stream, &basis, &rejections)
            .await
            .unwrap();
        let after = after.expect("nothing stands in the way");
        assert_eq!(after.revision, basis.revision, "an answer is no event");
        for node in [subject.store.clone(), (subject.reopen)().await] {
            let mut loaded = node.load(&stream, None).await.unwrap();
            loaded.rejections.sort_by_key(|rejection| rejection.command);
            let mut wanted = rejections.to_vec();
            wanted.sort_by_key(|rejection| rejection.command);
            assert_eq!(loaded.rejections, wanted);
            assert_eq!(loaded.events.len(), events);
        }
        // What it returned may be decided on at once.
        accepted(&*subject.store, commit(&stream, after, &[1])).await;
        let read = read(&*subject.store, &stream).await;
        assert_eq!(read.len(), events + 1);
        assert_contiguous(&read);
    }
}

pub async fn a_commit_of_a_command_that_was_refused_for_good_is_void(subject: &Subject) {
    let stream = stream("sample");
    let basis = subject.store.load(&stream, None).await.unwrap().basis;
    // An attempt that is under way somewhere while another node refuses the command.
    let late = commit(&stream, basis, &[1]);
    let other = (subject.reopen)().await;
    let known = other.load(&stream, None).await.unwrap().basis;
    let recorded = other
        .record_rejections(&stream, &known, &[rejection_of(&late)])
        .await
        .unwrap();
    assert!(recorded.is_some());
    assert_eq!(subject.store.commit(late.clone()).await.unwrap(), CommitOutcome::Void);
    // Its author looks again, and finds the answer.
    let loaded = subject.store.load(&stream, Some(&basis)).await.unwrap();
    assert_eq!(loaded.rejections, [rejection_of(&late)]);
    assert!(read(&*subject.store, &stream).await.is_empty());
}

pub async fn a_rejection_that_was_decided_on_old_state_is_not_recorded(subject: &Subject) {
    let stream = stream("sample");
    let old = subject.store.load(&stream, None).await.unwrap().basis;
    accepted(&*subject.store, commit(&stream, old, &[1])).await;
    let refused = rejection_of(&commit(&stream, old, &[1]));
    let recorded = subject
        .store
        .record_rejections(&stream, &old, std::slice::from_ref(&refused))
        .await
        .unwrap();
    assert_eq!(recorded, None);
    let loaded = subject.store.load(&stream, None).await.unwrap();
    assert_eq!((loaded.events.len(), loaded.rejections), (1, Vec::new()));
}

pub async fn a_command_is_refused_for_good_once(subject: &Subject) {
    let stream = stream("sample");
    let basis = subject.store.load(&stream, None).await.unwrap().basis;
    let first = rejection_of(&commit(&stream, basis, &[1]));
    let other = RecordedRejection {
        answer: json!(Uuid::new_v4()),
        ..first.clone()
    };
    let nodes = [subject.store.clone(), (subject.reopen)().await];
    let (left, right) = tokio::join!(
        nodes[0].record_rejections(&stream, &basis, std::slice::from_ref(&first)),
        nodes[1].record_rejections(&stream, &basis, std::slice::from_ref(&other)),
    );
    let won = match (left.unwrap(), right.unwrap()) {
        (Some(_), None) => first,
        (None, Some(_)) => other,
        both => panic!("one of them wins: {both:?}"),
    };
    for node in &nodes {
        assert_eq!(
            node.load(&stream, None).await.unwrap().rejections,
            std::slice::from_ref(&won)
        );
    }
}
