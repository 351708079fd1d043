//! What can be asked of a conversation.

use serde::{Deserialize, Serialize};

use crate::conversation::Message;
use crate::id::{AttachmentId, UserId};

/// An order to a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ConversationCommand {
    /// Begins it.
    Start {
        /// Who will own it.
        owner_id: UserId,
        /// 1 to 200 characters.
        title: String,
    },
    /// Gives it another title.
    Rename {
        /// 1 to 200 characters.
        title: String,
    },
    /// Adds a message.
    SendMessage {
        /// The message as it will be stored.
        message: Message,
        /// Those of its attachments of which the edge has found that the sender uploaded them.
        verified_attachments: Vec<AttachmentId>,
    },
    /// Closes it for messages.
    Archive,
    /// Opens it again.
    Reopen,
    /// Removes it for good.
    Delete,
}
