//! Renaming, archiving, reopening, deleting.

use domain::conversation::ConversationCommand::{Archive, Delete, Reopen};
use domain::conversation::ConversationEvent::{Archived, Deleted, Renamed, Reopened};
use domain::conversation::{ConversationRefusal, ConversationStatus, TITLE_MAX};
use domain::text::TextProblem;

use super::{conversation, question, rename_to, send, started};
use crate::harness::{admin, analyst, given, owner, service, stranger, text_of};

#[test]
fn the_owner_and_an_admin_rename() {
    for actor in [owner(), admin()] {
        let state = given(conversation, [started()])
            .when(rename_to("Green build"))
            .by(actor)
            .then([Renamed {
                title: "Green build".to_owned(),
            }]);
        assert_eq!(state.title(), "Green build");
    }
}

#[test]
fn the_same_title_changes_nothing() {
    given(conversation, [started()])
        .when(rename_to("Flaky build"))
        .by(owner())
        .then_nothing_happened();
}

#[test]
fn a_new_title_follows_the_rules_of_titles() {
    for (title, problem) in [
        (String::new(), TextProblem::Blank),
        (text_of(TITLE_MAX + 1), TextProblem::TooLong { limit: 200 }),
        ("\0".to_owned(), TextProblem::HasNul),
    ] {
        given(conversation, [started()])
            .when(rename_to(&title))
            .by(owner())
            .then_refused(ConversationRefusal::Text {
                field: "title",
                problem,
            });
    }
}

#[test]
fn an_archived_conversation_keeps_its_title() {
    given(conversation, [started(), Archived])
        .when(rename_to("Green build"))
        .by(owner())
        .then_refused(ConversationRefusal::Archived);
}

#[test]
fn the_owner_and_an_admin_archive_and_reopen() {
    for actor in [owner(), admin()] {
        let archived = given(conversation, [started()])
            .when(Archive)
            .by(actor)
            .then([Archived]);
        assert_eq!(archived.status(), ConversationStatus::Archived);
        let reopened = given(conversation, [started(), Archived])
            .when(Reopen)
            .by(actor)
            .then([Reopened]);
        assert_eq!(reopened.status(), ConversationStatus::Active);
    }
}

#[test]
fn archiving_again_changes_nothing() {
    given(conversation, [started(), Archived])
        .when(Archive)
        .by(owner())
        .then_nothing_happened();
}

#[test]
fn reopen_is_refused_when_not_archived() {
    given(conversation, [started()])
        .when(Reopen)
        .by(owner())
        .then_refused(ConversationRefusal::NotArchived);
    given(conversation, [started(), Archived, Reopened])
        .when(Reopen)
        .by(owner())
        .then_refused(ConversationRefusal::NotArchived);
}

#[test]
fn the_owner_and_an_admin_delete_even_what_is_archived() {
    for actor in [owner(), admin()] {
        let state = given(conversation, [started()]).when(Delete).by(actor).then([Deleted]);
        assert_eq!(state.status(), ConversationStatus::Deleted);
        given(conversation, [started(), Archived])
            .when(Delete)
            .by(actor)
            .then([Deleted]);
    }
}

#[test]
fn a_deleted_conversation_refuses_everything() {
    for command in [
        Archive,
        Reopen,
        Delete,
        rename_to("Green build"),
        send(question("hello?")),
    ] {
        for actor in [owner(), admin(), service()] {
            given(conversation, [started(), Deleted])
                .when(command.clone())
                .by(actor)
                .then_refused(ConversationRefusal::Deleted);
        }
    }
}

#[test]
fn a_conversation_that_was_never_started_is_not_found() {
    for command in [
        Archive,
        Reopen,
        Delete,
        rename_to("Green build"),
        send(question("hello?")),
    ] {
        for actor in [owner(), admin(), service()] {
            given(conversation, [])
                .when(command.clone())
                .by(actor)
                .then_refused(ConversationRefusal::NotFound);
        }
    }
}

#[test]
fn a_stranger_cannot_tell_it_from_one_that_was_never_started() {
    for history in [vec![started()], vec![started(), Archived], vec![started(), Deleted]] {
        for command in [Archive, Reopen, Delete, rename_to("Mine"), send(question("hello?"))] {
            given(conversation, history.clone())
                .when(command)
                .by(stranger())
                .then_refused(ConversationRefusal::NotFound);
        }
    }
}

#[test]
fn a_service_does_not_manage_conversations() {
    for command in [Archive, Reopen, Delete, rename_to("Green build")] {
        given(conversation, [started()])
            .when(command)
            .by(service())
            .importing()
            .then_refused(ConversationRefusal::NotAllowed);
    }
}

#[test]
fn an_analyst_commands_nothing() {
    for command in [
        Archive,
        Reopen,
        Delete,
        rename_to("Green build"),
        send(question("hello?")),
    ] {
        given(conversation, [started()])
            .when(command)
            .by(analyst())
            .then_refused(ConversationRefusal::NotAllowed);
    }
}
