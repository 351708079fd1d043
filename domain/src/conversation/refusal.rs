//! Why a conversation refuses.

use super::{ATTACHMENTS_MAX, MESSAGES_MAX};
use crate::aggregate::{Refusal, RefusalKind};
use crate::id::AttachmentId;
use crate::text::{NUMBER_MAX, TextProblem};

/// A reason to refuse a command to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConversationRefusal {
    /// It was never started, or it is not for this actor to know about.
    #[error("there is no such conversation")]
    NotFound,
    /// A conversation is started once.
    #[error("the conversation exists already")]
    AlreadyExists,
    /// Nothing can be done to it any more.
    #[error("the conversation was deleted")]
    Deleted,
    /// The actor's role does not give this command.
    #[error("this role may not do that to a conversation")]
    NotAllowed,
    /// Only an admin, or an importing service, starts a conversation for somebody else.
    #[error("a conversation may not be started for another user")]
    OwnerNotAllowed,
    /// The sender does not speak in this role.
    #[error("the sender may not speak in this role")]
    RoleNotAllowed,
    /// A person speaks only for itself.
    #[error("the author must be the sender")]
    AuthorNotSender,
    /// An imported message of role user names its author.
    #[error("a message of role user needs an author")]
    AuthorMissing,
    /// The agent and the platform are not persons.
    #[error("only a message of role user has an author")]
    AuthorUnexpected,
    /// Only a message of role assistant tells the model and its cost.
    #[error("only a message of role assistant has {field}")]
    AnswerDetailUnexpected {
        /// The field at fault.
        field: &'static str,
    },
    /// Archived: reopen it first.
    #[error("the conversation is archived")]
    Archived,
    /// Only an archived conversation can be reopened.
    #[error("the conversation is not archived")]
    NotArchived,
    /// It holds as many messages as it can.
    #[error("a conversation holds at most {MESSAGES_MAX} messages")]
    Full,
    /// More attachments than a message carries.
    #[error("a message may have at most {ATTACHMENTS_MAX} attachments")]
    TooManyAttachments,
    /// The sender has not uploaded it.
    #[error("attachment {attachment} is not among the sender's uploads")]
    AttachmentUnknown {
        /// Which one.
        attachment: AttachmentId,
    },
    /// An attachment is named once.
    #[error("attachment {attachment} is named twice")]
    AttachmentRepeated {
        /// Which one.
        attachment: AttachmentId,
    },
    /// A number that no table can hold.
    #[error("{field} may be at most {NUMBER_MAX}")]
    NumberTooLarge {
        /// The field at fault.
        field: &'static str,
    },
    /// A text breaks the rule of its field.
    #[error("{field} {problem}")]
    Text {
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        problem: TextProblem,
    },
}

impl Refusal for ConversationRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "conversation.not-found",
            Self::AlreadyExists => "conversation.already-exists",
            Self::Deleted => "conversation.deleted",
            Self::NotAllowed => "conversation.not-allowed",
            Self::OwnerNotAllowed => "conversation.owner-not-allowed",
            Self::RoleNotAllowed => "conversation.role-not-allowed",
            Self::AuthorNotSender => "conversation.author-not-sender",
            Self::AuthorMissing => "conversation.author-missing",
            Self::AuthorUnexpected => "conversation.author-unexpected",
            Self::AnswerDetailUnexpected { .. } => "conversation.answer-detail-unexpected",
            Self::Archived => "conversation.archived",
            Self::NotArchived => "conversation.not-archived",
            Self::Full => "conversation.full",
            Self::TooManyAttachments => "conversation.too-many-attachments",
            Self::AttachmentUnknown { .. } => "conversation.attachment-unknown",
            Self::AttachmentRepeated { .. } => "conversation.attachment-repeated",
            Self::NumberTooLarge { .. } => "conversation.number-too-large",
            Self::Text {
                problem: TextProblem::Blank,
                ..
            } => "conversation.text-blank",
            Self::Text {
                problem: TextProblem::TooLong { .. },
                ..
            } => "conversation.text-too-long",
            Self::Text {
                problem: TextProblem::HasNul,
                ..
            } => "conversation.text-has-nul",
        }
    }

    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::Deleted => RefusalKind::Deleted,
            Self::NotAllowed | Self::OwnerNotAllowed | Self::RoleNotAllowed | Self::AuthorNotSender => {
                RefusalKind::Forbidden
            }
            Self::AlreadyExists | Self::Archived | Self::NotArchived | Self::Full => RefusalKind::State,
            Self::AuthorMissing
            | Self::AuthorUnexpected
            | Self::AnswerDetailUnexpected { .. }
            | Self::TooManyAttachments
            | Self::AttachmentUnknown { .. }
            | Self::AttachmentRepeated { .. }
            | Self::NumberTooLarge { .. }
            | Self::Text { .. } => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::OwnerNotAllowed => Some("ownerId"),
            Self::RoleNotAllowed => Some("role"),
            Self::AuthorNotSender | Self::AuthorMissing | Self::AuthorUnexpected => Some("authorId"),
            Self::TooManyAttachments | Self::AttachmentUnknown { .. } | Self::AttachmentRepeated { .. } => {
                Some("attachments")
            }
            Self::AnswerDetailUnexpected { field } | Self::NumberTooLarge { field } | Self::Text { field, .. } => {
                Some(field)
            }
            Self::NotFound
            | Self::AlreadyExists
            | Self::Deleted
            | Self::NotAllowed
            | Self::Archived
            | Self::NotArchived
            | Self::Full => None,
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            Self::Full => Some(MESSAGES_MAX),
            Self::TooManyAttachments => Some(ATTACHMENTS_MAX),
            Self::NumberTooLarge { .. } => Some(NUMBER_MAX),
            Self::Text { problem, .. } => problem.limit(),
            _ => None,
        }
    }
}
