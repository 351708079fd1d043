//! Any commands to a conversation.

use domain::conversation::{
    Conversation, ConversationCommand, ConversationEvent, ConversationStatus, MESSAGES_MAX, Message, MessageRole,
};
use domain::name::Named;
use domain::{Aggregate, AttachmentId, MessageId, UserId};
use proptest::prelude::*;
use uuid::Uuid;

use super::{obey, orders, text};
use crate::harness::user;

fn attachments() -> impl Strategy<Value = Vec<AttachmentId>> {
    prop::collection::vec(
        (0..4_u128).prop_map(|number| AttachmentId::new(Uuid::from_u128(number))),
        0..4,
    )
}

fn messages() -> impl Strategy<Value = Message> {
    (
        any::<u128>(),
        prop::sample::select(MessageRole::ALL),
        prop::option::of((1..3_u128).prop_map(user)),
        text(10_000),
        attachments(),
        prop::option::weighted(0.2, text(100)),
        prop::option::weighted(0.2, any::<u64>()),
    )
        .prop_map(
            |(id, role, author_id, content, attachments, model, tokens_used)| Message {
                id: MessageId::new(Uuid::from_u128(id)),
                role,
                author_id,
                content,
                attachments,
                model,
                tokens_used,
            },
        )
}

fn commands() -> impl Strategy<Value = ConversationCommand> {
    let owners = (1..3_u128).prop_map(user);
    prop_oneof![
        2 => (owners, text(200)).prop_map(|(owner_id, title)| ConversationCommand::Start { owner_id, title }),
        1 => text(200).prop_map(|title| ConversationCommand::Rename { title }),
        6 => (messages(), attachments()).prop_map(|(message, verified_attachments)| {
            ConversationCommand::SendMessage { message, verified_attachments }
        }),
        1 => Just(ConversationCommand::Archive),
        1 => Just(ConversationCommand::Reopen),
        1 => prop::bool::weighted(0.1).prop_map(|delete| {
            if delete { ConversationCommand::Delete } else { ConversationCommand::Reopen }
        }),
    ]
}

/// A conversation of the first user that holds so many messages already.
fn with_messages(count: u64) -> Conversation {
    let message = Message {
        id: MessageId::new(Uuid::nil()),
        role: MessageRole::System,
        author_id: None,
        content: "again".to_owned(),
        attachments: Vec::new(),
        model: None,
        tokens_used: None,
    };
    let sent = ConversationEvent::MessageSent(message);
    let mut state = Conversation::default();
    if count > 0 {
        state.evolve(&ConversationEvent::Started {
            owner_id: user(1),
            title: "Long".to_owned(),
        });
    }
    for _ in 0..count {
        state.evolve(&sent);
    }
    state
}

fn owner_never_changes(before: &Conversation, after: Option<UserId>) -> bool {
    before.owner().is_none() || before.owner() == after
}

proptest! {
    #[test]
    fn a_conversation_keeps_its_rules(
        so_many in prop::sample::select(vec![0, MESSAGES_MAX - 3, MESSAGES_MAX]),
        orders in orders(commands(), 60),
    ) {
        let last = obey(with_messages(so_many), &orders, |before, _, after| {
            prop_assert_ne!(before.status(), ConversationStatus::Deleted, "something happened after the end");
            prop_assert!(owner_never_changes(before, after.owner()));
            prop_assert!(after.message_count() <= MESSAGES_MAX);
            let spoke = after.message_count() > before.message_count();
            prop_assert!(!spoke || before.status() == ConversationStatus::Active);
            Ok(())
        })?;
        prop_assert!(last.owner().is_some() || last == Conversation::default());
    }
}
