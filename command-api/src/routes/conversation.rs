//! Commands to conversations.

use axum::extract::State;
use axum::response::Response;

use super::{TargetId, perform};
use crate::api::CommandApi;
use crate::catalogue::CommandName;
use crate::dto::conversation::{RenameConversation, SendMessage, StartConversation};
use crate::extract::{CommandHead, JsonBody};
use crate::openapi::{Changed, CommandHeaders, Created};

/// Starts a conversation.
#[utoipa::path(
    post,
    path = "/api/conversations",
    operation_id = "start_conversation",
    tag = "conversation",
    params(CommandHeaders),
    request_body = StartConversation,
    responses(Created),
)]
pub(crate) async fn start(State(api): State<CommandApi>, head: CommandHead, body: JsonBody) -> Response {
    perform(api, head, CommandName::ConversationStart, None, body).await
}

/// Gives it another title.
#[utoipa::path(
    put,
    path = "/api/conversations/{id}",
    operation_id = "rename_conversation",
    tag = "conversation",
    params(("id" = uuid::Uuid, Path, description = "The conversation."), CommandHeaders),
    request_body = RenameConversation,
    responses(Changed),
)]
pub(crate) async fn rename(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::ConversationRename, Some(id), body).await
}

/// Removes it for good.
#[utoipa::path(
    delete,
    path = "/api/conversations/{id}",
    operation_id = "delete_conversation",
    tag = "conversation",
    params(("id" = uuid::Uuid, Path, description = "The conversation."), CommandHeaders),
    responses(Changed),
)]
pub(crate) async fn delete(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::ConversationDelete, Some(id), body).await
}

/// Adds a message.
#[utoipa::path(
    post,
    path = "/api/conversations/{id}/messages",
    operation_id = "send_message",
    tag = "conversation",
    params(("id" = uuid::Uuid, Path, description = "The conversation."), CommandHeaders),
    request_body = SendMessage,
    responses(Created),
)]
pub(crate) async fn send_message(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::ConversationSendMessage, Some(id), body).await
}

/// Closes it for messages.
#[utoipa::path(
    post,
    path = "/api/conversations/{id}/archive",
    operation_id = "archive_conversation",
    tag = "conversation",
    params(("id" = uuid::Uuid, Path, description = "The conversation."), CommandHeaders),
    responses(Changed),
)]
pub(crate) async fn archive(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::ConversationArchive, Some(id), body).await
}

/// Opens it again.
#[utoipa::path(
    post,
    path = "/api/conversations/{id}/reopen",
    operation_id = "reopen_conversation",
    tag = "conversation",
    params(("id" = uuid::Uuid, Path, description = "The conversation."), CommandHeaders),
    responses(Changed),
)]
pub(crate) async fn reopen(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::ConversationReopen, Some(id), body).await
}
