//! What happens in a conversation.

use serde::{Deserialize, Serialize};

use crate::id::{AttachmentId, MessageId, UserId};
use crate::name::names;

/// A fact about one conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum ConversationEvent {
    /// `conversation.started.v1`
    Started {
        /// Who owns it.
        owner_id: UserId,
        /// 1 to 200 characters.
        title: String,
    },
    /// `conversation.renamed.v1`
    Renamed {
        /// The new title.
        title: String,
    },
    /// `conversation.message-sent.v1`
    MessageSent(Message),
    /// `conversation.archived.v1`
    Archived,
    /// `conversation.reopened.v1`
    Reopened,
    /// `conversation.deleted.v1`
    Deleted,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Unique in the system.
    pub id: MessageId,
    /// Who speaks.
    pub role: MessageRole,
    /// The person, for role user.
    pub author_id: Option<UserId>,
    /// The text.
    pub content: String,
    /// Uploaded before.
    pub attachments: Vec<AttachmentId>,
    /// The model that answered, for role assistant.
    pub model: Option<String>,
    /// What the answer cost in tokens.
    pub tokens_used: Option<u64>,
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessageRole {
    /// A person.
    User,
    /// The agent.
    Assistant,
    /// The platform.
    System,
}

names!(
    MessageRole,
    "message role",
    [User = "user", Assistant = "assistant", System = "system"]
);
