//! Commands to a conversation.

use domain::conversation::{ConversationCommand, Message, MessageRole};
use domain::{AttachmentId, MessageId, UserId};
use platform::problem::Problem;
use serde_json::Value;

use super::{Sender, read, read_nothing};
use crate::catalogue::CommandName;
use crate::dto::conversation::{RenameConversation, SendMessage, StartConversation};
use crate::order::Part;
use crate::problem;

pub(super) fn translate(
    name: CommandName,
    body: &Value,
    sender: &Sender,
) -> Result<(ConversationCommand, Option<Part>), Problem> {
    let command = match name {
        CommandName::ConversationStart => {
            let StartConversation { title, owner_id } = read(body)?;
            ConversationCommand::Start {
                owner_id: sender.owner(owner_id)?,
                title,
            }
        }
        CommandName::ConversationRename => {
            let RenameConversation { title } = read(body)?;
            ConversationCommand::Rename { title }
        }
        CommandName::ConversationSendMessage => return send_message(read(body)?, sender),
        CommandName::ConversationArchive => {
            read_nothing(body)?;
            ConversationCommand::Archive
        }
        CommandName::ConversationReopen => {
            read_nothing(body)?;
            ConversationCommand::Reopen
        }
        CommandName::ConversationDelete => {
            read_nothing(body)?;
            ConversationCommand::Delete
        }
        _ => return Err(problem::unknown_command()),
    };
    Ok((command, None))
}

fn send_message(body: SendMessage, sender: &Sender) -> Result<(ConversationCommand, Option<Part>), Problem> {
    let id = sender.given_or_derived(body.message_id, "messageId", "message")?;
    if body.author_id.is_some() && !sender.actor.is_service() {
        return Err(problem::service_only_field("authorId"));
    }
    let role = match body.role {
        Some(role) => role.into(),
        None if sender.actor.is_service() => MessageRole::Assistant,
        None => MessageRole::User,
    };
    let author_id = match body.author_id {
        Some(author) => Some(UserId::new(author)),
        None if role == MessageRole::User && !sender.actor.is_service() => Some(sender.actor.id),
        None => None,
    };
    let attachments: Vec<_> = body.attachments.into_iter().map(AttachmentId::new).collect();
    // Nothing can be uploaded here yet, so nothing of a sender's is verified; what an import brings was checked where
    // it came from.
    let verified_attachments = if sender.imported {
        attachments.clone()
    } else {
        Vec::new()
    };
    let message = Message {
        id: MessageId::new(id),
        role,
        author_id,
        content: body.content,
        attachments,
        model: body.model,
        tokens_used: body.tokens_used,
    };
    Ok((
        ConversationCommand::SendMessage {
            message,
            verified_attachments,
        },
        Some(Part::Message(id)),
    ))
}
