//! What may be changed in a task, and when.

use domain::task::{Complexity, DESCRIPTION_MAX, TITLE_MAX, TaskCommand, TaskEvent, TaskRefusal, TaskStatus, TaskType};
use domain::text::TextProblem;

use super::{amend_kind, amend_title, amendment, classified, created, history_to, task};
use crate::harness::{admin, given, owner, text_of};

fn amended_title(title: &str) -> TaskEvent {
    TaskEvent::Amended {
        title: Some(title.to_owned()),
        description: None,
        task_type: None,
        complexity: None,
        priority: None,
    }
}

#[test]
fn the_owner_and_an_admin_amend() {
    for actor in [owner(), admin()] {
        let state = given(task, [created()])
            .when(amend_title(Some("Mend it")))
            .by(actor)
            .then([amended_title("Mend it")]);
        assert_eq!(state.title(), "Mend it");
        assert_eq!(state.description(), "It loses the last line.");
    }
}

#[test]
fn an_amendment_is_allowed_before_and_between_executions() {
    for status in [
        TaskStatus::Pending,
        TaskStatus::Classifying,
        TaskStatus::Failed,
        TaskStatus::Cancelled,
    ] {
        let state = given(task, history_to(status))
            .when(amend_title(Some("Mend it")))
            .by(owner())
            .then([amended_title("Mend it")]);
        assert_eq!(state.status(), status);
    }
}

#[test]
fn amend_is_refused_while_in_progress() {
    given(task, history_to(TaskStatus::InProgress))
        .when(amend_title(Some("Mend it")))
        .by(owner())
        .then_refused(TaskRefusal::NotEditableWhileInProgress);
}

#[test]
fn amend_is_refused_when_completed() {
    given(task, history_to(TaskStatus::Completed))
        .when(amend_title(Some("Mend it")))
        .by(owner())
        .then_refused(TaskRefusal::NotEditableWhenCompleted);
}

#[test]
fn an_empty_amendment_changes_nothing() {
    given(task, [created()])
        .when(amendment())
        .by(owner())
        .then_nothing_happened();
}

#[test]
fn the_same_values_change_nothing() {
    let same = TaskCommand::Amend {
        title: Some("Mend the parser".to_owned()),
        description: Some("It loses the last line.".to_owned()),
        task_type: Some(TaskType::BugFix),
        complexity: Some(Complexity::Simple),
        priority: Some(0),
    };
    given(task, [created(), classified()])
        .when(same)
        .by(owner())
        .then_nothing_happened();
}

#[test]
fn the_event_holds_only_what_changed() {
    let command = TaskCommand::Amend {
        title: Some("Mend the parser".to_owned()),
        description: Some("It loses the first line.".to_owned()),
        task_type: Some(TaskType::BugFix),
        complexity: Some(Complexity::Epic),
        priority: Some(5),
    };
    let event = TaskEvent::Amended {
        title: None,
        description: Some("It loses the first line.".to_owned()),
        task_type: None,
        complexity: Some(Complexity::Epic),
        priority: Some(5),
    };
    given(task, [created(), classified()])
        .when(command)
        .by(owner())
        .then([event]);
}

#[test]
fn a_person_overrides_the_classifier() {
    let overridden = TaskEvent::Amended {
        title: None,
        description: None,
        task_type: Some(TaskType::Feature),
        complexity: None,
        priority: None,
    };
    let state = given(task, [created(), classified()])
        .when(amend_kind(Some(TaskType::Feature), None))
        .by(owner())
        .then([overridden]);
    assert_eq!(
        (state.task_type(), state.complexity()),
        (Some(TaskType::Feature), Some(Complexity::Simple))
    );
}

#[test]
fn amended_values_follow_the_rules_of_creation() {
    let too_long = |limit| TextProblem::TooLong { limit };
    for (title, problem) in [
        (text_of(TITLE_MAX + 1), too_long(200)),
        (String::new(), TextProblem::Blank),
        ("\0".to_owned(), TextProblem::HasNul),
    ] {
        given(task, [created()])
            .when(amend_title(Some(&title)))
            .by(owner())
            .then_refused(TaskRefusal::Text {
                field: "title",
                problem,
            });
    }
    let described = |description: Option<String>, priority| TaskCommand::Amend {
        title: None,
        description,
        task_type: None,
        complexity: None,
        priority,
    };
    given(task, [created()])
        .when(described(Some(text_of(DESCRIPTION_MAX + 1)), None))
        .by(owner())
        .then_refused(TaskRefusal::Text {
            field: "description",
            problem: too_long(10_000),
        });
    given(task, [created()])
        .when(described(None, Some(10)))
        .by(owner())
        .then_refused(TaskRefusal::PriorityOutOfRange);
}
