//! A conversation between a person and the agent: the rule book.
//!
//! `active <-> archived`, and from both to `deleted`. The owner or an admin manages it; only its owner, the agent and
//! the platform speak in it. To everybody else it does not exist.

mod command;
mod event;
mod refusal;
mod speaking;

use serde::{Deserialize, Serialize};

use crate::actor::{Actor, Role};
use crate::aggregate::{Aggregate, Context};
use crate::id::UserId;
use crate::name::names;
use crate::text;

pub use command::ConversationCommand;
pub use event::{ConversationEvent, Message, MessageRole};
pub use refusal::ConversationRefusal;

/// Longest title in characters.
pub const TITLE_MAX: u64 = 200;
/// Longest message of a person in characters.
pub const USER_CONTENT_MAX: u64 = 10_000;
/// Longest message of the agent or the platform in characters.
pub const ANSWER_CONTENT_MAX: u64 = 50_000;
/// Longest name of a model in characters.
pub const MODEL_MAX: u64 = 100;
/// Most messages of one conversation.
pub const MESSAGES_MAX: u64 = 10_000;
/// Most attachments of one message.
pub const ATTACHMENTS_MAX: u64 = 20;

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum ConversationStatus {
    /// Messages may be sent.
    #[default]
    Active,
    /// Closed for messages; may be reopened.
    Archived,
    /// Gone; every later command is refused.
    Deleted,
}

names!(
    ConversationStatus,
    "conversation status",
    [Active = "active", Archived = "archived", Deleted = "deleted"]
);

/// What a conversation must remember to decide. Without an owner it was not started yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Conversation {
    owner: Option<UserId>,
    title: String,
    status: ConversationStatus,
    message_count: u64,
}

impl Conversation {
    /// Who owns it; nobody before it was started.
    pub fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where it stands.
    pub fn status(&self) -> ConversationStatus {
        self.status
    }

    /// How many messages it holds.
    pub fn message_count(&self) -> u64 {
        self.message_count
    }
}

impl Aggregate for Conversation {
    const CATEGORY: &'static str = "conversation";
    const FOLD_VERSION: u32 = 1;
    type Command = ConversationCommand;
    type Event = ConversationEvent;
    type Refusal = ConversationRefusal;

    fn decide(
        &self,
        command: &ConversationCommand,
        context: &Context,
    ) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        if context.actor.role == Role::Analyst {
            return Err(ConversationRefusal::NotAllowed);
        }
        match command {
            ConversationCommand::Start { owner_id, title } => self.start(*owner_id, title, context),
            ConversationCommand::Rename { title } => {
                self.must_be_managed_by(context.actor)?;
                self.rename(title)
            }
            ConversationCommand::SendMessage {
                message,
                verified_attachments,
            } => self.send_message(message, verified_attachments, context),
            ConversationCommand::Archive => {
                self.must_be_managed_by(context.actor)?;
                Ok(self.archive())
            }
            ConversationCommand::Reopen => {
                self.must_be_managed_by(context.actor)?;
                self.reopen()
            }
            ConversationCommand::Delete => {
                self.must_be_managed_by(context.actor)?;
                Ok(vec![ConversationEvent::Deleted])
            }
        }
    }

    fn evolve(&mut self, event: &ConversationEvent) {
        match event {
            ConversationEvent::Started { owner_id, title } => {
                self.owner = Some(*owner_id);
                self.title.clone_from(title);
            }
            ConversationEvent::Renamed { title } => self.title.clone_from(title),
            ConversationEvent::MessageSent(_) => self.message_count += 1,
            ConversationEvent::Archived => self.status = ConversationStatus::Archived,
            ConversationEvent::Reopened => self.status = ConversationStatus::Active,
            ConversationEvent::Deleted => self.status = ConversationStatus::Deleted,
        }
    }

    fn weight(&self) -> usize {
        self.title.capacity()
    }
}

impl Conversation {
    /// The owner, if the conversation is there for this actor. A user learns nothing about what others own, not even
    /// that it was deleted.
    fn existing_for(&self, actor: Actor) -> Result<UserId, ConversationRefusal> {
        let owner = self.owner.ok_or(ConversationRefusal::NotFound)?;
        if actor.role == Role::User && actor.id != owner {
            return Err(ConversationRefusal::NotFound);
        }
        if self.status == ConversationStatus::Deleted {
            return Err(ConversationRefusal::Deleted);
        }
        Ok(owner)
    }

    fn must_be_managed_by(&self, actor: Actor) -> Result<(), ConversationRefusal> {
        let owner = self.existing_for(actor)?;
        if actor.is_owner_or_admin(owner) {
            Ok(())
        } else {
            Err(ConversationRefusal::NotAllowed)
        }
    }

    fn start(
        &self,
        owner_id: UserId,
        title: &str,
        context: &Context,
    ) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        let allowed = match context.actor.role {
            Role::User => context.actor.id == owner_id,
            Role::Admin => true,
            Role::Service => context.imported,
            Role::Analyst => false,
        };
        if !allowed {
            return Err(ConversationRefusal::OwnerNotAllowed);
        }
        if self.status == ConversationStatus::Deleted {
            return Err(ConversationRefusal::Deleted);
        }
        if self.owner.is_some() {
            return Err(ConversationRefusal::AlreadyExists);
        }
        check_text("title", title, TITLE_MAX)?;
        Ok(vec![ConversationEvent::Started {
            owner_id,
            title: title.to_owned(),
        }])
    }

    fn rename(&self, title: &str) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        self.must_not_be_archived()?;
        check_text("title", title, TITLE_MAX)?;
        if title == self.title {
            return Ok(Vec::new());
        }
        Ok(vec![ConversationEvent::Renamed {
            title: title.to_owned(),
        }])
    }

    fn archive(&self) -> Vec<ConversationEvent> {
        if self.status == ConversationStatus::Archived {
            Vec::new()
        } else {
            vec![ConversationEvent::Archived]
        }
    }

    fn reopen(&self) -> Result<Vec<ConversationEvent>, ConversationRefusal> {
        if self.status != ConversationStatus::Archived {
            return Err(ConversationRefusal::NotArchived);
        }
        Ok(vec![ConversationEvent::Reopened])
    }

    fn must_not_be_archived(&self) -> Result<(), ConversationRefusal> {
        if self.status == ConversationStatus::Archived {
            return Err(ConversationRefusal::Archived);
        }
        Ok(())
    }
}

fn check_text(field: &'static str, value: &str, limit: u64) -> Result<(), ConversationRefusal> {
    text::check(value, limit).map_err(|problem| ConversationRefusal::Text { field, problem })
}
