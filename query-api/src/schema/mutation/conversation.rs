//! Commands to conversations.

use async_graphql::{Context, ID, InputObject, Object};
use serde::Serialize;

use super::envelope::{CommandInput, Envelope, Subject, commands_of};
use super::giving::give;
use super::result::CommandResult;
use crate::error::QueryError;
use crate::scalars::BigInt;
use crate::schema::stored_enums::MessageRole;

/// Commands to conversations.
#[derive(Default)]
pub(crate) struct ConversationMutations;

/// Commands to conversations.
#[Object]
impl ConversationMutations {
    /// Starts a conversation. Role user, admin or service.
    async fn start_conversation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it shall be.")] input: StartConversationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Gives a conversation another title. Its owner or an admin.
    async fn rename_conversation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and its new title.")] input: RenameConversationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Adds a message to a conversation, which holds at most 10,000. Its owner or a service.
    async fn send_message(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Where, and what it says.")] input: SendMessageInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Puts a conversation away; it takes no more messages. Its owner or an admin.
    async fn archive_conversation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ArchiveConversationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Takes an archived conversation out again. Its owner or an admin.
    async fn reopen_conversation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: ReopenConversationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Removes a conversation for good. Its owner or an admin.
    async fn delete_conversation(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: DeleteConversationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }
}

/// A conversation to be started.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartConversationInput {
    /// Role service only: the id of the conversation, a UUID. Derived from the command when left out.
    #[serde(skip)]
    id: Option<ID>,
    /// 1 to 200 characters, not blank.
    title: String,
    /// Who will own it, a UUID: the caller when left out. Only an admin or an import may name another; a service has to name the owner.
    owner_id: Option<ID>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A conversation and its new title.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RenameConversationInput {
    /// The conversation, a UUID.
    #[serde(skip)]
    id: ID,
    /// 1 to 200 characters, not blank. With the same title as before nothing happens.
    title: String,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A message to be added.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendMessageInput {
    /// The conversation, a UUID.
    #[serde(skip)]
    id: ID,
    /// The text: 1 to 10,000 characters from a user, up to 50,000 from the assistant or the system; not blank.
    content: String,
    /// Who speaks; left out, `USER` for people and `ASSISTANT` for services.
    role: Option<MessageRole>,
    /// Files that the sender uploaded before, UUIDs; at most 20.
    attachments: Option<Vec<ID>>,
    /// Role service only: the id of the message, a UUID. Derived from the command when left out.
    message_id: Option<ID>,
    /// Role service only: the person who wrote an imported message of role `USER`, a UUID.
    author_id: Option<ID>,
    /// The model that answered, for role `ASSISTANT`; at most 100 characters.
    model: Option<String>,
    /// What the answer cost in tokens, for role `ASSISTANT`.
    tokens_used: Option<BigInt>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A conversation to be put away.
#[derive(InputObject, Serialize)]
pub(crate) struct ArchiveConversationInput {
    /// The conversation, a UUID.
    #[serde(skip)]
    id: ID,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A conversation to be taken out again.
#[derive(InputObject, Serialize)]
pub(crate) struct ReopenConversationInput {
    /// The conversation, a UUID.
    #[serde(skip)]
    id: ID,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A conversation to be removed.
#[derive(InputObject, Serialize)]
pub(crate) struct DeleteConversationInput {
    /// The conversation, a UUID.
    #[serde(skip)]
    id: ID,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

commands_of! {
    Conversation {
        StartConversationInput = "conversation.start",
        RenameConversationInput = "conversation.rename",
        SendMessageInput = "conversation.send-message",
        ArchiveConversationInput = "conversation.archive",
        ReopenConversationInput = "conversation.reopen",
        DeleteConversationInput = "conversation.delete",
    }
}
