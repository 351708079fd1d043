//! Who creates a task, and what it must say.

use domain::task::{
    Complexity, DESCRIPTION_MAX, PRIORITY_MAX, TITLE_MAX, TaskCommand, TaskEvent, TaskRefusal, TaskStatus, TaskType,
};
use domain::text::TextProblem;
use domain::{ConversationId, UserId};
use uuid::Uuid;

use super::{created, task};
use crate::harness::{admin, analyst, given, owner, service, stranger, text_of};

fn create(title: &str, description: &str, priority: u8) -> TaskCommand {
    TaskCommand::Create {
        owner_id: owner().id,
        title: title.to_owned(),
        description: description.to_owned(),
        task_type: None,
        complexity: None,
        priority,
        conversation_id: None,
    }
}

fn created_with(title: &str, description: &str, priority: u8) -> TaskEvent {
    TaskEvent::Created {
        owner_id: owner().id,
        title: title.to_owned(),
        description: description.to_owned(),
        task_type: None,
        complexity: None,
        priority,
        conversation_id: None,
    }
}

#[test]
fn a_user_creates_a_task_for_itself() {
    let command = create("Mend the parser", "It loses the last line.", 0);
    let state = given(task, []).when(command).by(owner()).then([created()]);
    assert_eq!((state.owner(), state.status()), (Some(owner().id), TaskStatus::Pending));
    assert_eq!((state.task_type(), state.complexity()), (None, None));
}

#[test]
fn a_user_does_not_create_a_task_for_another() {
    given(task, [])
        .when(create("a", "b", 0))
        .by(stranger())
        .then_refused(TaskRefusal::OwnerNotAllowed);
}

#[test]
fn an_admin_and_a_service_create_a_task_for_anybody() {
    for actor in [admin(), service()] {
        given(task, [])
            .when(create("a", "b", 0))
            .by(actor)
            .then([created_with("a", "b", 0)]);
    }
    given(task, [])
        .when(create("a", "b", 0))
        .by(service())
        .importing()
        .then([created_with("a", "b", 0)]);
}

#[test]
fn an_analyst_creates_nothing() {
    given(task, [])
        .when(create("a", "b", 0))
        .by(analyst())
        .then_refused(TaskRefusal::NotAllowed);
}

#[test]
fn a_task_is_created_once() {
    given(task, [created()])
        .when(create("a", "b", 0))
        .by(owner())
        .then_refused(TaskRefusal::AlreadyExists);
    given(task, [created(), TaskEvent::Deleted])
        .when(create("a", "b", 0))
        .by(owner())
        .then_refused(TaskRefusal::Deleted);
}

#[test]
fn everything_that_was_asked_for_is_in_the_event() {
    let owner_id: UserId = owner().id;
    let (task_type, complexity) = (Some(TaskType::Refactor), Some(Complexity::Epic));
    let conversation_id = Some(ConversationId::new(Uuid::from_u128(9)));
    let (title, description) = ("a".to_owned(), "b".to_owned());
    let command = TaskCommand::Create {
        owner_id,
        title: title.clone(),
        description: description.clone(),
        task_type,
        complexity,
        priority: PRIORITY_MAX,
        conversation_id,
    };
    let event = TaskEvent::Created {
        owner_id,
        title,
        description,
        task_type,
        complexity,
        priority: PRIORITY_MAX,
        conversation_id,
    };
    let state = given(task, []).when(command).by(owner()).then([event]);
    assert_eq!((state.task_type(), state.complexity()), (task_type, complexity));
}

#[test]
fn title_and_description_have_bounds() {
    let (title, description) = (text_of(TITLE_MAX), text_of(DESCRIPTION_MAX));
    given(task, [])
        .when(create(&title, &description, 0))
        .by(owner())
        .then([created_with(&title, &description, 0)]);
    let too_long = |limit| TextProblem::TooLong { limit };
    for (title, description, field, problem) in [
        (text_of(TITLE_MAX + 1), "b".to_owned(), "title", too_long(200)),
        (" ".to_owned(), "b".to_owned(), "title", TextProblem::Blank),
        ("\0a".to_owned(), "b".to_owned(), "title", TextProblem::HasNul),
        (
            "a".to_owned(),
            text_of(DESCRIPTION_MAX + 1),
            "description",
            too_long(10_000),
        ),
        ("a".to_owned(), "\n".to_owned(), "description", TextProblem::Blank),
        ("a".to_owned(), "b\0".to_owned(), "description", TextProblem::HasNul),
    ] {
        given(task, [])
            .when(create(&title, &description, 0))
            .by(owner())
            .then_refused(TaskRefusal::Text { field, problem });
    }
}

#[test]
fn a_priority_is_0_to_9() {
    given(task, [])
        .when(create("a", "b", 9))
        .by(owner())
        .then([created_with("a", "b", 9)]);
    given(task, [])
        .when(create("a", "b", 10))
        .by(owner())
        .then_refused(TaskRefusal::PriorityOutOfRange);
}
