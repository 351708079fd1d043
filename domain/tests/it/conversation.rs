//! Rules of a conversation.

mod managing;
mod speaking;
mod starting;

use domain::conversation::{Conversation, ConversationCommand, ConversationEvent, Message, MessageRole};
use domain::{AttachmentId, MessageId};
use uuid::Uuid;

use crate::harness::owner;

fn conversation() -> Conversation {
    Conversation::default()
}

fn started() -> ConversationEvent {
    ConversationEvent::Started {
        owner_id: owner().id,
        title: "Flaky build".to_owned(),
    }
}

fn start_titled(title: &str) -> ConversationCommand {
    ConversationCommand::Start {
        owner_id: owner().id,
        title: title.to_owned(),
    }
}

fn rename_to(title: &str) -> ConversationCommand {
    ConversationCommand::Rename {
        title: title.to_owned(),
    }
}

/// A message of the owner.
fn question(content: &str) -> Message {
    Message {
        id: MessageId::new(Uuid::from_u128(100)),
        role: MessageRole::User,
        author_id: Some(owner().id),
        content: content.to_owned(),
        attachments: Vec::new(),
        model: None,
        tokens_used: None,
    }
}

/// A message of the agent.
fn answer(content: &str) -> Message {
    Message {
        role: MessageRole::Assistant,
        author_id: None,
        model: Some("sonnet".to_owned()),
        tokens_used: Some(1_234),
        ..question(content)
    }
}

/// A message of the platform.
fn notice(content: &str) -> Message {
    Message {
        role: MessageRole::System,
        author_id: None,
        ..question(content)
    }
}

fn attachment(number: u128) -> AttachmentId {
    AttachmentId::new(Uuid::from_u128(number))
}

fn send(message: Message) -> ConversationCommand {
    ConversationCommand::SendMessage {
        message,
        verified_attachments: Vec::new(),
    }
}
