//! Trying again after a failure or a cancellation.

use domain::task::{Complexity, Strategy, TaskEvent, TaskRefusal, TaskStatus, TaskType};

use super::{
    amend_kind, cancelled, classified, created, created_as, execution, failed, history_to, retry, started, task,
};
use crate::harness::{admin, given, owner, service};

fn retried(attempt: u32) -> TaskEvent {
    TaskEvent::Retried { attempt }
}

#[test]
fn the_owner_and_an_admin_retry_what_failed_or_was_cancelled() {
    for status in [TaskStatus::Failed, TaskStatus::Cancelled] {
        for actor in [owner(), admin()] {
            let state = given(task, history_to(status))
                .when(retry(2, None))
                .by(actor)
                .then([retried(2), started(2, 2)]);
            assert_eq!(
                (state.status(), state.running_execution()),
                (TaskStatus::InProgress, Some(execution(2)))
            );
        }
    }
}

#[test]
fn retry_is_refused_when_neither_failed_nor_cancelled() {
    for status in [
        TaskStatus::Pending,
        TaskStatus::Classifying,
        TaskStatus::InProgress,
        TaskStatus::Completed,
    ] {
        given(task, history_to(status))
            .when(retry(2, Some(Strategy::Iterative)))
            .by(owner())
            .then_refused(TaskRefusal::NotRetryable);
    }
}

#[test]
fn a_retry_may_choose_another_strategy() {
    let other = TaskEvent::ExecutionStarted {
        execution_id: execution(2),
        strategy: Strategy::MultiAgent,
        model: None,
        attempt: 2,
    };
    given(task, history_to(TaskStatus::Failed))
        .when(retry(2, Some(Strategy::MultiAgent)))
        .by(owner())
        .then([retried(2), other]);
}

#[test]
fn attempts_are_counted_over_all_retries() {
    let twice = [
        created(),
        classified(),
        started(1, 1),
        failed(1),
        retried(2),
        started(2, 2),
        cancelled(),
    ];
    given(task, twice)
        .when(retry(3, None))
        .by(owner())
        .then([retried(3), started(3, 3)]);
}

#[test]
fn a_retry_of_what_never_ran_names_its_strategy() {
    let never_ran = [created_as(Some(TaskType::Test), Some(Complexity::Simple)), cancelled()];
    given(task, never_ran.clone())
        .when(retry(1, None))
        .by(owner())
        .then_refused(TaskRefusal::StrategyMissing);
    given(task, never_ran)
        .when(retry(1, Some(Strategy::Iterative)))
        .by(owner())
        .then([retried(1), started(1, 1)]);
}

#[test]
fn what_was_imported_is_not_repeated_in_the_same_way() {
    let imported = TaskEvent::ExecutionStarted {
        execution_id: execution(1),
        strategy: Strategy::Imported,
        model: None,
        attempt: 1,
    };
    let history = [created(), classified(), imported, failed(1)];
    given(task, history.clone())
        .when(retry(2, None))
        .by(owner())
        .then_refused(TaskRefusal::StrategyMissing);
    given(task, history.clone())
        .when(retry(2, Some(Strategy::Imported)))
        .by(owner())
        .then_refused(TaskRefusal::StrategyNotAllowed);
    given(task, history)
        .when(retry(2, Some(Strategy::Iterative)))
        .by(owner())
        .then([retried(2), started(2, 2)]);
}

#[test]
fn a_retry_needs_a_classification() {
    let unclassified = [
        created(),
        TaskEvent::ClassificationRequested,
        TaskEvent::ClassificationFailed {
            code: "no-answer".to_owned(),
            message: "timed out".to_owned(),
        },
    ];
    given(task, unclassified.clone())
        .when(retry(1, Some(Strategy::Iterative)))
        .by(owner())
        .then_refused(TaskRefusal::NotClassified);

    let (task_type, complexity) = (Some(TaskType::BugFix), Some(Complexity::Medium));
    let amended = TaskEvent::Amended {
        title: None,
        description: None,
        task_type,
        complexity,
        priority: None,
    };
    given(task, unclassified.clone())
        .when(amend_kind(task_type, complexity))
        .by(owner())
        .then([amended.clone()]);
    given(task, unclassified.into_iter().chain([amended]))
        .when(retry(1, Some(Strategy::Iterative)))
        .by(owner())
        .then([retried(1), started(1, 1)]);
}

#[test]
fn a_service_does_not_retry() {
    given(task, history_to(TaskStatus::Failed))
        .when(retry(2, None))
        .by(service())
        .then_refused(TaskRefusal::NotAllowed);
}

#[test]
fn the_id_of_an_execution_is_used_once() {
    let twice = [
        created(),
        classified(),
        started(1, 1),
        failed(1),
        retried(2),
        started(2, 2),
        failed(2),
    ];
    for used in [1, 2] {
        given(task, twice.clone())
            .when(retry(used, None))
            .by(owner())
            .then_refused(TaskRefusal::ExecutionIdUsed);
    }
}

#[test]
fn a_task_is_tried_at_most_1_000_times() {
    let attempts = |count: u32| {
        let tries =
            (1..=count).flat_map(|attempt| [started(u128::from(attempt), attempt), failed(u128::from(attempt))]);
        [created(), classified()].into_iter().chain(tries).collect::<Vec<_>>()
    };
    given(task, attempts(999))
        .when(retry(1_000, None))
        .by(owner())
        .then([retried(1_000), started(1_000, 1_000)]);
    given(task, attempts(1_000))
        .when(retry(1_001, None))
        .by(owner())
        .then_refused(TaskRefusal::TooManyAttempts);
}
