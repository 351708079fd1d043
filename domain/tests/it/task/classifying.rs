//! How a task learns its type and complexity.

use domain::task::TaskCommand::{Classify, FailClassification, RequestClassification};
use domain::task::{
    CLASSIFIER_MAX, CLASSIFIER_VERSION_MAX, Classification, Complexity, FAILURE_CODE_MAX, FAILURE_MESSAGE_MAX,
    TaskEvent, TaskRefusal, TaskStatus, TaskType,
};
use domain::text::TextProblem;

use super::{classification, classified, created, created_as, fail_classification, histories, task};
use crate::harness::{admin, given, owner, service, text_of};

#[test]
fn the_owner_an_admin_and_a_service_ask_for_a_classification() {
    for actor in [owner(), admin(), service()] {
        let state = given(task, [created()])
            .when(RequestClassification)
            .by(actor)
            .then([TaskEvent::ClassificationRequested]);
        assert_eq!(state.status(), TaskStatus::Classifying);
    }
}

#[test]
fn a_classification_is_asked_for_only_while_pending() {
    for (status, history) in histories() {
        if !matches!(status, TaskStatus::Pending | TaskStatus::Deleted) {
            given(task, history)
                .when(RequestClassification)
                .by(owner())
                .then_refused(TaskRefusal::NotPending);
        }
    }
}

#[test]
fn a_classification_is_taken_asked_for_or_not() {
    for history in [vec![created()], vec![created(), TaskEvent::ClassificationRequested]] {
        let state = given(task, history)
            .when(Classify(classification()))
            .by(service())
            .then([classified()]);
        assert_eq!(state.status(), TaskStatus::Classifying);
        assert_eq!(
            (state.task_type(), state.complexity()),
            (Some(TaskType::BugFix), Some(Complexity::Simple))
        );
    }
}

#[test]
fn a_classifier_may_change_its_mind_but_not_repeat_itself() {
    let other = Classification {
        task_type: TaskType::Test,
        ..classification()
    };
    let state = given(task, [created(), classified()])
        .when(Classify(other.clone()))
        .by(service())
        .then([TaskEvent::Classified(other)]);
    assert_eq!(state.task_type(), Some(TaskType::Test));
    given(task, [created(), classified()])
        .when(Classify(classification()))
        .by(service())
        .then_nothing_happened();
}

#[test]
fn the_choice_of_a_person_wins_over_the_classifier() {
    let state = given(task, [created_as(Some(TaskType::Feature), None)])
        .when(Classify(classification()))
        .by(service())
        .then([classified()]);
    assert_eq!(
        (state.task_type(), state.complexity()),
        (Some(TaskType::Feature), Some(Complexity::Simple))
    );

    let amended = TaskEvent::Amended {
        title: None,
        description: None,
        task_type: None,
        complexity: Some(Complexity::Epic),
        priority: None,
    };
    let state = given(task, [created(), amended])
        .when(Classify(classification()))
        .by(service())
        .then([classified()]);
    assert_eq!(
        (state.task_type(), state.complexity()),
        (Some(TaskType::BugFix), Some(Complexity::Epic))
    );
}

#[test]
fn classify_is_refused_once_work_has_begun() {
    for (status, history) in histories() {
        if !matches!(
            status,
            TaskStatus::Pending | TaskStatus::Classifying | TaskStatus::Deleted
        ) {
            let other = Classification {
                confidence_permille: 1,
                ..classification()
            };
            given(task, history)
                .when(Classify(other))
                .by(service())
                .then_refused(TaskRefusal::NotClassifiable);
        }
    }
}

#[test]
fn a_confidence_is_0_to_1() {
    for confidence_permille in [0, 1_000] {
        let sure = Classification {
            confidence_permille,
            ..classification()
        };
        given(task, [created()])
            .when(Classify(sure.clone()))
            .by(service())
            .then([TaskEvent::Classified(sure)]);
    }
    let surer = Classification {
        confidence_permille: 1_001,
        ..classification()
    };
    given(task, [created()])
        .when(Classify(surer))
        .by(service())
        .then_refused(TaskRefusal::ConfidenceOutOfRange);
}

#[test]
fn a_classifier_names_itself_and_its_version() {
    let longest = Classification {
        classifier: text_of(CLASSIFIER_MAX),
        classifier_version: text_of(CLASSIFIER_VERSION_MAX),
        ..classification()
    };
    given(task, [created()])
        .when(Classify(longest.clone()))
        .by(service())
        .then([TaskEvent::Classified(longest)]);
    for (classifier, problem) in [
        (String::new(), TextProblem::Blank),
        (text_of(CLASSIFIER_MAX + 1), TextProblem::TooLong { limit: 100 }),
        ("a\0".to_owned(), TextProblem::HasNul),
    ] {
        given(task, [created()])
            .when(Classify(Classification {
                classifier,
                ..classification()
            }))
            .by(service())
            .then_refused(TaskRefusal::Text {
                field: "classifier",
                problem,
            });
    }
    for (classifier_version, problem) in [
        (" ".to_owned(), TextProblem::Blank),
        (text_of(CLASSIFIER_VERSION_MAX + 1), TextProblem::TooLong { limit: 50 }),
    ] {
        given(task, [created()])
            .when(Classify(Classification {
                classifier_version,
                ..classification()
            }))
            .by(service())
            .then_refused(TaskRefusal::Text {
                field: "classifierVersion",
                problem,
            });
    }
}

#[test]
fn a_classification_that_is_awaited_may_fail() {
    let failed = TaskEvent::ClassificationFailed {
        code: "no-answer".to_owned(),
        message: "timed out".to_owned(),
    };
    let state = given(task, [created(), TaskEvent::ClassificationRequested])
        .when(fail_classification())
        .by(service())
        .then([failed]);
    assert_eq!(state.status(), TaskStatus::Failed);
}

#[test]
fn a_classification_that_is_not_awaited_cannot_fail() {
    for (status, history) in histories() {
        if status != TaskStatus::Deleted {
            given(task, history)
                .when(fail_classification())
                .by(service())
                .then_refused(TaskRefusal::NotClassifying);
        }
    }
}

#[test]
fn a_failure_of_the_classifier_has_a_code_and_a_message() {
    let awaited = [created(), TaskEvent::ClassificationRequested];
    let problem = |limit| TextProblem::TooLong { limit };
    for (code, message, field, problem) in [
        (String::new(), "m".to_owned(), "code", TextProblem::Blank),
        (text_of(FAILURE_CODE_MAX + 1), "m".to_owned(), "code", problem(100)),
        (
            "c".to_owned(),
            text_of(FAILURE_MESSAGE_MAX + 1),
            "message",
            problem(5_000),
        ),
        ("c".to_owned(), "\0".to_owned(), "message", TextProblem::HasNul),
    ] {
        given(task, awaited.clone())
            .when(FailClassification { code, message })
            .by(service())
            .then_refused(TaskRefusal::Text { field, problem });
    }
}
