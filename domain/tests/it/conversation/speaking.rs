//! Who says what, how long, and with which attachments.

use domain::conversation::ConversationEvent::{Archived, MessageSent};
use domain::conversation::{
    ANSWER_CONTENT_MAX, ATTACHMENTS_MAX, ConversationCommand, ConversationRefusal, MESSAGES_MAX, MODEL_MAX, Message,
    MessageRole, USER_CONTENT_MAX,
};
use domain::text::{NUMBER_MAX, TextProblem};
use domain::{Actor, AttachmentId, Role};

use super::{answer, attachment, conversation, notice, question, send, started};
use crate::harness::{admin, given, owner, service, stranger, text_of};

#[track_caller]
fn is_sent(message: &Message, actor: Actor) {
    given(conversation, [started()])
        .when(send(message.clone()))
        .by(actor)
        .then([MessageSent(message.clone())]);
}

#[track_caller]
fn is_refused(message: Message, actor: Actor, refusal: ConversationRefusal) {
    given(conversation, [started()])
        .when(send(message))
        .by(actor)
        .then_refused(refusal);
}

#[test]
fn the_owner_speaks_as_itself() {
    let sent = MessageSent(question("Why is it red?"));
    let state = given(conversation, [started()])
        .when(send(question("Why is it red?")))
        .by(owner())
        .then([sent]);
    assert_eq!(state.message_count(), 1);
}

#[test]
fn a_service_speaks_as_the_agent_and_the_platform() {
    is_sent(&answer("A race."), service());
    is_sent(&notice("The agent is away."), service());
}

#[test]
fn a_user_speaks_only_in_role_user() {
    is_refused(answer("A race."), owner(), ConversationRefusal::RoleNotAllowed);
    is_refused(notice("All is well."), owner(), ConversationRefusal::RoleNotAllowed);
}

#[test]
fn a_user_does_not_speak_for_another() {
    for author_id in [None, Some(stranger().id)] {
        let message = Message {
            author_id,
            ..question("hello?")
        };
        is_refused(message, owner(), ConversationRefusal::AuthorNotSender);
    }
}

#[test]
fn an_admin_does_not_speak_for_the_owner() {
    is_refused(question("I like it"), admin(), ConversationRefusal::RoleNotAllowed);
    let as_itself = Message {
        author_id: Some(admin().id),
        ..question("I am here")
    };
    is_refused(as_itself, admin(), ConversationRefusal::RoleNotAllowed);
}

#[test]
fn an_admin_speaks_in_its_own_conversation() {
    is_sent(
        &question("Why is it red?"),
        Actor {
            role: Role::Admin,
            ..owner()
        },
    );
}

#[test]
fn a_service_repeats_what_a_person_said_only_when_it_imports() {
    let message = Message {
        author_id: Some(stranger().id),
        ..question("Fix the parser")
    };
    given(conversation, [started()])
        .when(send(message.clone()))
        .by(service())
        .importing()
        .then([MessageSent(message.clone())]);
    is_refused(message, service(), ConversationRefusal::RoleNotAllowed);
}

#[test]
fn an_imported_message_of_a_person_names_its_author() {
    given(conversation, [started()])
        .when(send(Message {
            author_id: None,
            ..question("Fix the parser")
        }))
        .by(service())
        .importing()
        .then_refused(ConversationRefusal::AuthorMissing);
}

#[test]
fn the_agent_and_the_platform_have_no_author() {
    for message in [answer("A race."), notice("Away.")] {
        let authored = Message {
            author_id: Some(owner().id),
            ..message
        };
        is_refused(authored, service(), ConversationRefusal::AuthorUnexpected);
    }
}

#[test]
fn an_archived_conversation_takes_no_messages() {
    for (message, actor) in [(question("hello?"), owner()), (answer("A race."), service())] {
        given(conversation, [started(), Archived])
            .when(send(message))
            .by(actor)
            .then_refused(ConversationRefusal::Archived);
    }
}

#[test]
fn a_person_writes_at_most_10_000_characters() {
    is_sent(&question(&text_of(USER_CONTENT_MAX)), owner());
    let too_long = question(&text_of(USER_CONTENT_MAX + 1));
    let problem = TextProblem::TooLong { limit: 10_000 };
    is_refused(
        too_long,
        owner(),
        ConversationRefusal::Text {
            field: "content",
            problem,
        },
    );
}

#[test]
fn the_agent_and_the_platform_write_at_most_50_000_characters() {
    let problem = TextProblem::TooLong { limit: 50_000 };
    for speak in [answer, notice] {
        is_sent(&speak(&text_of(ANSWER_CONTENT_MAX)), service());
        let too_long = speak(&text_of(ANSWER_CONTENT_MAX + 1));
        is_refused(
            too_long,
            service(),
            ConversationRefusal::Text {
                field: "content",
                problem,
            },
        );
    }
}

#[test]
fn a_message_says_something_and_holds_no_nul() {
    for (content, problem) in [(" \n", TextProblem::Blank), ("a\0", TextProblem::HasNul)] {
        is_refused(
            question(content),
            owner(),
            ConversationRefusal::Text {
                field: "content",
                problem,
            },
        );
    }
}

#[test]
fn line_breaks_and_tabs_are_part_of_a_message() {
    is_sent(&question("fn main() {\n\tprintln!();\r\n}"), owner());
}

#[test]
fn a_conversation_holds_at_most_10_000_messages() {
    let messages = |count: u64| {
        let sent = (0..count).map(|_| MessageSent(question("again")));
        std::iter::once(started()).chain(sent).collect::<Vec<_>>()
    };
    given(conversation, messages(MESSAGES_MAX - 1))
        .when(send(question("the last")))
        .by(owner())
        .then([MessageSent(question("the last"))]);
    given(conversation, messages(MESSAGES_MAX))
        .when(send(question("one more")))
        .by(owner())
        .then_refused(ConversationRefusal::Full);
}

fn with_attachments(attachments: Vec<AttachmentId>, verified_attachments: Vec<AttachmentId>) -> ConversationCommand {
    ConversationCommand::SendMessage {
        message: Message {
            attachments,
            ..question("See")
        },
        verified_attachments,
    }
}

#[test]
fn a_message_carries_what_its_sender_uploaded() {
    let attachments = vec![attachment(1), attachment(2)];
    let message = Message {
        attachments: attachments.clone(),
        ..question("See")
    };
    given(conversation, [started()])
        .when(with_attachments(
            attachments,
            vec![attachment(2), attachment(1), attachment(3)],
        ))
        .by(owner())
        .then([MessageSent(message)]);
}

#[test]
fn an_attachment_of_somebody_else_is_refused() {
    given(conversation, [started()])
        .when(with_attachments(
            vec![attachment(1), attachment(2)],
            vec![attachment(1)],
        ))
        .by(owner())
        .then_refused(ConversationRefusal::AttachmentUnknown {
            attachment: attachment(2),
        });
}

#[test]
fn an_attachment_is_named_once() {
    given(conversation, [started()])
        .when(with_attachments(
            vec![attachment(1), attachment(1)],
            vec![attachment(1)],
        ))
        .by(owner())
        .then_refused(ConversationRefusal::AttachmentRepeated {
            attachment: attachment(1),
        });
}

#[test]
fn a_message_carries_at_most_20_attachments() {
    let twenty: Vec<AttachmentId> = (0..u128::from(ATTACHMENTS_MAX)).map(attachment).collect();
    let message = Message {
        attachments: twenty.clone(),
        ..question("See")
    };
    given(conversation, [started()])
        .when(with_attachments(twenty.clone(), twenty.clone()))
        .by(owner())
        .then([MessageSent(message)]);
    let more: Vec<AttachmentId> = (0..=u128::from(ATTACHMENTS_MAX)).map(attachment).collect();
    given(conversation, [started()])
        .when(with_attachments(more.clone(), more))
        .by(owner())
        .then_refused(ConversationRefusal::TooManyAttachments);
}

#[test]
fn only_an_answer_tells_its_model_and_tokens() {
    for role in [MessageRole::User, MessageRole::System] {
        let (actor, author_id) = if role == MessageRole::User {
            (owner(), Some(owner().id))
        } else {
            (service(), None)
        };
        let plain = Message {
            role,
            author_id,
            ..question("hello")
        };
        let with_model = Message {
            model: Some("sonnet".to_owned()),
            ..plain.clone()
        };
        is_refused(
            with_model,
            actor,
            ConversationRefusal::AnswerDetailUnexpected { field: "model" },
        );
        let with_tokens = Message {
            tokens_used: Some(0),
            ..plain
        };
        is_refused(
            with_tokens,
            actor,
            ConversationRefusal::AnswerDetailUnexpected { field: "tokensUsed" },
        );
    }
}

#[test]
fn the_details_of_an_answer_are_optional_and_bounded() {
    is_sent(
        &Message {
            model: None,
            tokens_used: None,
            ..answer("A race.")
        },
        service(),
    );
    is_sent(
        &Message {
            model: Some(text_of(MODEL_MAX)),
            tokens_used: Some(NUMBER_MAX),
            ..answer("A race.")
        },
        service(),
    );
    let problem = TextProblem::TooLong { limit: 100 };
    let long_model = Message {
        model: Some(text_of(MODEL_MAX + 1)),
        ..answer("A race.")
    };
    is_refused(
        long_model,
        service(),
        ConversationRefusal::Text {
            field: "model",
            problem,
        },
    );
    let many_tokens = Message {
        tokens_used: Some(NUMBER_MAX + 1),
        ..answer("A race.")
    };
    is_refused(
        many_tokens,
        service(),
        ConversationRefusal::NumberTooLarge { field: "tokensUsed" },
    );
}
