//! Starting the first execution.

use domain::task::{Complexity, MODEL_MAX, Strategy, TaskCommand, TaskEvent, TaskRefusal, TaskStatus, TaskType};
use domain::text::TextProblem;

use super::{classified, created, created_as, execution, history_to, start, started, task};
use crate::harness::{admin, given, owner, service, text_of};

#[test]
fn the_owner_an_admin_and_a_service_start_a_classified_task() {
    for actor in [owner(), admin(), service()] {
        let state = given(task, [created(), classified()])
            .when(start(1, Strategy::Iterative))
            .by(actor)
            .then([started(1, 1)]);
        assert_eq!(
            (state.status(), state.running_execution()),
            (TaskStatus::InProgress, Some(execution(1)))
        );
    }
}

#[test]
fn a_task_of_which_a_person_named_type_and_complexity_starts_unclassified() {
    given(task, [created_as(Some(TaskType::Test), Some(Complexity::Simple))])
        .when(start(1, Strategy::Iterative))
        .by(owner())
        .then([started(1, 1)]);
}

#[test]
fn start_is_refused_when_type_or_complexity_is_unknown() {
    for history in [
        vec![created()],
        vec![created(), TaskEvent::ClassificationRequested],
        vec![created_as(Some(TaskType::Test), None)],
        vec![created_as(None, Some(Complexity::Epic))],
    ] {
        given(task, history)
            .when(start(1, Strategy::Iterative))
            .by(owner())
            .then_refused(TaskRefusal::NotClassified);
    }
}

#[test]
fn one_execution_runs_at_a_time() {
    given(task, history_to(TaskStatus::InProgress))
        .when(start(2, Strategy::Iterative))
        .by(owner())
        .then_refused(TaskRefusal::AlreadyInProgress);
}

#[test]
fn what_has_ended_is_not_started_but_retried() {
    for status in [TaskStatus::Completed, TaskStatus::Failed, TaskStatus::Cancelled] {
        given(task, history_to(status))
            .when(start(2, Strategy::Iterative))
            .by(owner())
            .then_refused(TaskRefusal::AlreadyEnded);
    }
}

#[test]
fn the_strategy_imported_is_for_imports() {
    let imported = TaskEvent::ExecutionStarted {
        execution_id: execution(1),
        strategy: Strategy::Imported,
        model: None,
        attempt: 1,
    };
    given(task, [created(), classified()])
        .when(start(1, Strategy::Imported))
        .by(service())
        .importing()
        .then([imported]);
    given(task, [created(), classified()])
        .when(start(1, Strategy::Imported))
        .by(service())
        .then_refused(TaskRefusal::StrategyNotAllowed);
}

#[test]
fn a_model_is_named_in_at_most_100_characters() {
    let with_model = |model: String| TaskCommand::StartExecution {
        execution_id: execution(1),
        strategy: Strategy::SingleShot,
        model: Some(model),
    };
    let event = TaskEvent::ExecutionStarted {
        execution_id: execution(1),
        strategy: Strategy::SingleShot,
        model: Some(text_of(MODEL_MAX)),
        attempt: 1,
    };
    given(task, [created(), classified()])
        .when(with_model(text_of(MODEL_MAX)))
        .by(owner())
        .then([event]);
    for (model, problem) in [
        (text_of(MODEL_MAX + 1), TextProblem::TooLong { limit: 100 }),
        (String::new(), TextProblem::Blank),
        ("\0".to_owned(), TextProblem::HasNul),
    ] {
        given(task, [created(), classified()])
            .when(with_model(model))
            .by(owner())
            .then_refused(TaskRefusal::Text {
                field: "model",
                problem,
            });
    }
}
