//! Cancelling and deleting.

use domain::task::{ExecutionResult, REASON_MAX, TaskCommand, TaskEvent, TaskRefusal, TaskStatus};
use domain::text::TextProblem;

use super::{cancel, cancelled, complete, histories, history_to, task};
use crate::harness::{admin, given, owner, service, text_of};

#[test]
fn the_owner_and_an_admin_cancel_what_has_not_ended() {
    for status in [TaskStatus::Pending, TaskStatus::Classifying, TaskStatus::InProgress] {
        for actor in [owner(), admin()] {
            let state = given(task, history_to(status))
                .when(cancel())
                .by(actor)
                .then([cancelled()]);
            assert_eq!(
                (state.status(), state.running_execution()),
                (TaskStatus::Cancelled, None)
            );
        }
    }
}

#[test]
fn the_result_of_a_cancelled_execution_is_refused() {
    given(task, history_to(TaskStatus::Cancelled))
        .when(complete(1, ExecutionResult::default()))
        .by(service())
        .then_refused(TaskRefusal::ExecutionNotCurrent);
}

#[test]
fn cancelling_again_changes_nothing() {
    given(task, history_to(TaskStatus::Cancelled))
        .when(cancel())
        .by(owner())
        .then_nothing_happened();
}

#[test]
fn cancel_is_refused_after_the_end() {
    for status in [TaskStatus::Completed, TaskStatus::Failed] {
        given(task, history_to(status))
            .when(cancel())
            .by(owner())
            .then_refused(TaskRefusal::NotCancellable);
    }
}

#[test]
fn a_cancellation_may_have_a_reason() {
    let because = |reason: &str| TaskCommand::Cancel {
        reason: Some(reason.to_owned()),
    };
    let longest = text_of(REASON_MAX);
    given(task, history_to(TaskStatus::Pending))
        .when(because(&longest))
        .by(owner())
        .then([TaskEvent::Cancelled {
            reason: Some(longest.clone()),
        }]);
    for (reason, problem) in [
        (text_of(REASON_MAX + 1), TextProblem::TooLong { limit: 1_000 }),
        (" ".to_owned(), TextProblem::Blank),
        ("\0".to_owned(), TextProblem::HasNul),
    ] {
        given(task, history_to(TaskStatus::Pending))
            .when(because(&reason))
            .by(owner())
            .then_refused(TaskRefusal::Text {
                field: "reason",
                problem,
            });
    }
}

#[test]
fn the_owner_and_an_admin_delete_what_is_not_running() {
    for (status, history) in histories() {
        if matches!(status, TaskStatus::InProgress | TaskStatus::Deleted) {
            continue;
        }
        for actor in [owner(), admin()] {
            let state = given(task, history.clone())
                .when(TaskCommand::Delete)
                .by(actor)
                .then([TaskEvent::Deleted]);
            assert_eq!(state.status(), TaskStatus::Deleted);
        }
    }
}

#[test]
fn delete_is_refused_while_in_progress() {
    given(task, history_to(TaskStatus::InProgress))
        .when(TaskCommand::Delete)
        .by(owner())
        .then_refused(TaskRefusal::NotDeletableWhileInProgress);
}
