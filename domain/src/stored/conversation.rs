//! Stored forms of [`ConversationEvent`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{EncodedEvent, Name, Nothing, encoded, read};
use crate::conversation::{ConversationEvent, Message, MessageRole};
use crate::id::{AttachmentId, MessageId, UserId};

const STARTED_V1: &str = "conversation.started.v1";
const RENAMED_V1: &str = "conversation.renamed.v1";
const MESSAGE_SENT_V1: &str = "conversation.message-sent.v1";
const ARCHIVED_V1: &str = "conversation.archived.v1";
const REOPENED_V1: &str = "conversation.reopened.v1";
const DELETED_V1: &str = "conversation.deleted.v1";

pub(super) const TYPES: [&str; 6] = [
    STARTED_V1,
    RENAMED_V1,
    MESSAGE_SENT_V1,
    ARCHIVED_V1,
    REOPENED_V1,
    DELETED_V1,
];

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StartedV1<'a> {
    owner_id: UserId,
    title: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenamedV1<'a> {
    title: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageSentV1<'a> {
    message_id: MessageId,
    role: Name<MessageRole>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author_id: Option<UserId>,
    content: Cow<'a, str>,
    #[serde(default)]
    attachments: Cow<'a, [AttachmentId]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_used: Option<u64>,
}

impl<'a> From<&'a Message> for MessageSentV1<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            message_id: message.id,
            role: Name(message.role),
            author_id: message.author_id,
            content: Cow::Borrowed(&message.content),
            attachments: Cow::Borrowed(&message.attachments),
            model: message.model.as_deref().map(Cow::Borrowed),
            tokens_used: message.tokens_used,
        }
    }
}

impl From<MessageSentV1<'_>> for Message {
    fn from(stored: MessageSentV1<'_>) -> Self {
        Self {
            id: stored.message_id,
            role: stored.role.0,
            author_id: stored.author_id,
            content: stored.content.into_owned(),
            attachments: stored.attachments.into_owned(),
            model: stored.model.map(Cow::into_owned),
            tokens_used: stored.tokens_used,
        }
    }
}

pub(super) fn encode(event: &ConversationEvent) -> EncodedEvent {
    match event {
        ConversationEvent::Started { owner_id, title } => encoded(
            STARTED_V1,
            &StartedV1 {
                owner_id: *owner_id,
                title: Cow::Borrowed(title),
            },
        ),
        ConversationEvent::Renamed { title } => encoded(
            RENAMED_V1,
            &RenamedV1 {
                title: Cow::Borrowed(title),
            },
        ),
        ConversationEvent::MessageSent(message) => encoded(MESSAGE_SENT_V1, &MessageSentV1::from(message)),
        ConversationEvent::Archived => encoded(ARCHIVED_V1, &Nothing {}),
        ConversationEvent::Reopened => encoded(REOPENED_V1, &Nothing {}),
        ConversationEvent::Deleted => encoded(DELETED_V1, &Nothing {}),
    }
}

/// Nothing when the type is not one of a conversation.
pub(super) fn decode(event_type: &str, data: &str) -> Option<serde_json::Result<ConversationEvent>> {
    let decoded = match event_type {
        STARTED_V1 => read::<StartedV1<'_>>(data).map(|stored| ConversationEvent::Started {
            owner_id: stored.owner_id,
            title: stored.title.into_owned(),
        }),
        RENAMED_V1 => read::<RenamedV1<'_>>(data).map(|stored| ConversationEvent::Renamed {
            title: stored.title.into_owned(),
        }),
        MESSAGE_SENT_V1 => read::<MessageSentV1<'_>>(data).map(|stored| ConversationEvent::MessageSent(stored.into())),
        ARCHIVED_V1 => read::<Nothing>(data).map(|_| ConversationEvent::Archived),
        REOPENED_V1 => read::<Nothing>(data).map(|_| ConversationEvent::Reopened),
        DELETED_V1 => read::<Nothing>(data).map(|_| ConversationEvent::Deleted),
        _ => return None,
    };
    Some(decoded)
}
