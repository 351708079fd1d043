//! Who starts a conversation, and how it may be titled.

use domain::conversation::ConversationEvent::{Deleted, Started};
use domain::conversation::{ConversationRefusal, TITLE_MAX};
use domain::text::TextProblem;

use super::{conversation, start_titled, started};
use crate::harness::{admin, analyst, given, owner, service, stranger, text_of};

#[test]
fn a_user_starts_a_conversation_for_itself() {
    let state = given(conversation, [])
        .when(start_titled("Flaky build"))
        .by(owner())
        .then([started()]);
    assert_eq!(state.owner(), Some(owner().id));
    assert_eq!(state.title(), "Flaky build");
}

#[test]
fn a_user_does_not_start_a_conversation_for_another() {
    given(conversation, [])
        .when(start_titled("Flaky build"))
        .by(stranger())
        .then_refused(ConversationRefusal::OwnerNotAllowed);
}

#[test]
fn an_admin_starts_a_conversation_for_anybody() {
    given(conversation, [])
        .when(start_titled("Flaky build"))
        .by(admin())
        .then([started()]);
}

#[test]
fn a_service_starts_a_conversation_only_when_it_imports() {
    given(conversation, [])
        .when(start_titled("Flaky build"))
        .by(service())
        .importing()
        .then([started()]);
    given(conversation, [])
        .when(start_titled("Flaky build"))
        .by(service())
        .then_refused(ConversationRefusal::OwnerNotAllowed);
}

#[test]
fn an_analyst_starts_nothing() {
    given(conversation, [])
        .when(start_titled("Flaky build"))
        .by(analyst())
        .then_refused(ConversationRefusal::NotAllowed);
}

#[test]
fn a_conversation_is_started_once() {
    given(conversation, [started()])
        .when(start_titled("Another"))
        .by(owner())
        .then_refused(ConversationRefusal::AlreadyExists);
}

#[test]
fn a_deleted_conversation_is_not_started_again() {
    given(conversation, [started(), Deleted])
        .when(start_titled("Another"))
        .by(owner())
        .then_refused(ConversationRefusal::Deleted);
}

#[test]
fn a_title_has_at_most_200_characters() {
    let longest = text_of(TITLE_MAX);
    given(conversation, [])
        .when(start_titled(&longest))
        .by(owner())
        .then([Started {
            owner_id: owner().id,
            title: longest.clone(),
        }]);
    given(conversation, [])
        .when(start_titled(&text_of(TITLE_MAX + 1)))
        .by(owner())
        .then_refused(ConversationRefusal::Text {
            field: "title",
            problem: TextProblem::TooLong { limit: 200 },
        });
}

#[test]
fn a_title_says_something() {
    for blank in ["", " ", "\n\t\u{3000}"] {
        given(conversation, [])
            .when(start_titled(blank))
            .by(owner())
            .then_refused(ConversationRefusal::Text {
                field: "title",
                problem: TextProblem::Blank,
            });
    }
}

#[test]
fn a_title_holds_no_nul() {
    given(conversation, [])
        .when(start_titled("a\0b"))
        .by(owner())
        .then_refused(ConversationRefusal::Text {
            field: "title",
            problem: TextProblem::HasNul,
        });
}
