//! Who may say what in a conversation.

use super::{
    ANSWER_CONTENT_MAX, ATTACHMENTS_MAX, Conversation, ConversationEvent, ConversationRefusal, MESSAGES_MAX, MODEL_MAX,
    Message, MessageRole, USER_CONTENT_MAX, check_text,
};
use crate::actor::Role;
use crate::aggregate::Context;
use crate::id::{AttachmentId, UserId};
use crate::text::NUMBER_MAX;

impl Conversation {
    pub(super) fn send_message(
        &self,
        message: &Message,
        verified_attachments: &[AttachmentId],
        context: &Context,
    ) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        let owner = self.existing_for(context.actor)?;
        may_speak(owner, message, context)?;
        self.must_not_be_archived()?;
        if self.message_count >= MESSAGES_MAX {
            return Err(ConversationRefusal::Full);
        }
        check_content(message)?;
        check_attachments(&message.attachments, verified_attachments)?;
        Ok(vec![ConversationEvent::MessageSent(message.clone())])
    }
}

/// A person speaks as itself and only in its own conversation: an admin does not speak for the owner. A service
/// speaks as the agent or the platform, and repeats what persons said when it imports.
fn may_speak(owner: UserId, message: &Message, context: &Context) -> Result<(), ConversationRefusal> {
    let actor = context.actor;
    match (actor.role, message.role) {
        (Role::User | Role::Admin, MessageRole::User) if actor.id == owner => {
            if message.author_id == Some(actor.id) {
                Ok(())
            } else {
                Err(ConversationRefusal::AuthorNotSender)
            }
        }
        (Role::Service, MessageRole::User) if context.imported => {
            message.author_id.map(|_| ()).ok_or(ConversationRefusal::AuthorMissing)
        }
        (Role::Service, MessageRole::Assistant | MessageRole::System) => {
            if message.author_id.is_none() {
                Ok(())
            } else {
                Err(ConversationRefusal::AuthorUnexpected)
            }
        }
        (Role::User | Role::Admin | Role::Service | Role::Analyst, _) => Err(ConversationRefusal::RoleNotAllowed),
    }
}

fn check_content(message: &Message) -> Result<(), ConversationRefusal> {
    let limit = match message.role {
        MessageRole::User => USER_CONTENT_MAX,
        MessageRole::Assistant | MessageRole::System => ANSWER_CONTENT_MAX,
    };
    check_text("content", &message.content, limit)?;
    if let Some(model) = &message.model {
        only_of_an_answer("model", message.role)?;
        check_text("model", model, MODEL_MAX)?;
    }
    if let Some(tokens_used) = message.tokens_used {
        only_of_an_answer("tokensUsed", message.role)?;
        if tokens_used > NUMBER_MAX {
            return Err(ConversationRefusal::NumberTooLarge { field: "tokensUsed" });
        }
    }
    Ok(())
}

fn only_of_an_answer(field: &'static str, role: MessageRole) -> Result<(), ConversationRefusal> {
    if role == MessageRole::Assistant {
        Ok(())
    } else {
        Err(ConversationRefusal::AnswerDetailUnexpected { field })
    }
}

fn check_attachments(attachments: &[AttachmentId], verified: &[AttachmentId]) -> Result<(), ConversationRefusal> {
    if attachments.len() as u64 > ATTACHMENTS_MAX {
        return Err(ConversationRefusal::TooManyAttachments);
    }
    for (index, attachment) in attachments.iter().copied().enumerate() {
        if !verified.contains(&attachment) {
            return Err(ConversationRefusal::AttachmentUnknown { attachment });
        }
        if attachments[..index].contains(&attachment) {
            return Err(ConversationRefusal::AttachmentRepeated { attachment });
        }
    }
    Ok(())
}
