//! Who may command what, over all commands.

use domain::task::{ExecutionResult, Strategy, TaskCommand, TaskEvent, TaskRefusal};

use super::{
    amend_title, cancel, classification, complete, created, fail, fail_classification, histories, pull_request, report,
    retry, start, task,
};
use crate::harness::{admin, analyst, given, owner, service, stranger};

fn of_people() -> Vec<TaskCommand> {
    vec![
        amend_title(Some("Mine")),
        cancel(),
        retry(9, Some(Strategy::Iterative)),
        TaskCommand::Delete,
    ]
}

fn of_both() -> Vec<TaskCommand> {
    vec![TaskCommand::RequestClassification, start(9, Strategy::Iterative)]
}

fn of_workers() -> Vec<TaskCommand> {
    vec![
        TaskCommand::Classify(classification()),
        fail_classification(),
        report(1, Some(1), Vec::new()),
        complete(1, ExecutionResult::default()),
        fail(1),
        TaskCommand::LinkPullRequest(pull_request()),
    ]
}

fn all() -> Vec<TaskCommand> {
    [of_people(), of_both(), of_workers()].concat()
}

#[test]
fn an_analyst_commands_nothing() {
    for (_, history) in histories() {
        for command in all() {
            given(task, history.clone())
                .when(command)
                .by(analyst())
                .then_refused(TaskRefusal::NotAllowed);
        }
    }
}

#[test]
fn only_a_service_does_the_work_of_workers() {
    for command in of_workers() {
        for person in [owner(), admin()] {
            given(task, [created()])
                .when(command.clone())
                .by(person)
                .then_refused(TaskRefusal::NotAllowed);
        }
    }
}

#[test]
fn a_service_does_not_decide_for_people() {
    for command in of_people() {
        given(task, [created()])
            .when(command.clone())
            .by(service())
            .then_refused(TaskRefusal::NotAllowed);
        given(task, [created()])
            .when(command)
            .by(service())
            .importing()
            .then_refused(TaskRefusal::NotAllowed);
    }
}

#[test]
fn a_stranger_cannot_tell_a_task_from_one_that_was_never_created() {
    for (_, history) in histories() {
        for command in all() {
            given(task, history.clone())
                .when(command.clone())
                .by(stranger())
                .then_refused(TaskRefusal::NotFound);
            given(task, [])
                .when(command)
                .by(stranger())
                .then_refused(TaskRefusal::NotFound);
        }
    }
}

#[test]
fn a_task_that_was_never_created_is_not_found() {
    for command in all() {
        for actor in [owner(), admin(), service()] {
            given(task, [])
                .when(command.clone())
                .by(actor)
                .then_refused(TaskRefusal::NotFound);
        }
    }
}

#[test]
fn a_deleted_task_refuses_everything() {
    for command in all() {
        for actor in [owner(), admin(), service()] {
            given(task, [created(), TaskEvent::Deleted])
                .when(command.clone())
                .by(actor)
                .then_refused(TaskRefusal::Deleted);
        }
    }
}
