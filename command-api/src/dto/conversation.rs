//! Bodies of the commands to a conversation.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use super::words::MessageRoleWord;

/// Begins a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StartConversation {
    /// 1 to 200 characters, not blank.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) title: String,
    /// Who will own it: the caller when left out. Only an admin or an import may name another.
    pub(crate) owner_id: Option<Uuid>,
}

/// Gives a conversation another title.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RenameConversation {
    /// 1 to 200 characters, not blank.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) title: String,
}

/// Adds a message to a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SendMessage {
    /// 1 to 10,000 characters from a user, up to 50,000 from the assistant or the system; not blank.
    #[schema(min_length = 1, max_length = 50_000)]
    pub(crate) content: String,
    /// Who speaks; left out, `user` for people and `assistant` for services.
    pub(crate) role: Option<MessageRoleWord>,
    /// Files that the sender uploaded before; at most 20.
    #[serde(default)]
    pub(crate) attachments: Vec<Uuid>,
    /// Services only: the id of the message; derived from the command when left out.
    pub(crate) message_id: Option<Uuid>,
    /// Services only: the person who wrote an imported message of role `user`.
    pub(crate) author_id: Option<Uuid>,
    /// The model that answered, for role `assistant`.
    pub(crate) model: Option<String>,
    /// What the answer cost in tokens.
    pub(crate) tokens_used: Option<u64>,
}
