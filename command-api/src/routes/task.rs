//! Commands to tasks.

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::{TargetId, perform};
use crate::api::CommandApi;
use crate::catalogue::CommandName;
use crate::dto::task::{AmendTask, CancelTask, ClassificationBody, CreateTask, LinkPullRequest, RetryTask};
use crate::extract::{CommandHead, JsonBody};
use crate::openapi::{Changed, CommandHeaders, Created};

/// Creates a task.
#[utoipa::path(
    post,
    path = "/api/tasks",
    operation_id = "create_task",
    tag = "task",
    params(CommandHeaders),
    request_body = CreateTask,
    responses(Created),
)]
pub(crate) async fn create(State(api): State<CommandApi>, head: CommandHead, body: JsonBody) -> Response {
    perform(api, head, CommandName::TaskCreate, None, body).await
}

/// Changes what is given and keeps the rest.
#[utoipa::path(
    patch,
    path = "/api/tasks/{id}",
    operation_id = "amend_task",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    request_body = AmendTask,
    responses(Changed),
)]
pub(crate) async fn amend(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::TaskAmend, Some(id), body).await
}

/// Removes it for good.
#[utoipa::path(
    delete,
    path = "/api/tasks/{id}",
    operation_id = "delete_task",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    responses(Changed),
)]
pub(crate) async fn delete(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::TaskDelete, Some(id), body).await
}

/// Stops it.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/cancel",
    operation_id = "cancel_task",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    request_body = Option<CancelTask>,
    responses(Changed),
)]
pub(crate) async fn cancel(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::TaskCancel, Some(id), body).await
}

/// Tries a failed or cancelled task again, with a new execution.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/retry",
    operation_id = "retry_task",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    request_body = Option<RetryTask>,
    responses(Changed),
)]
pub(crate) async fn retry(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::TaskRetry, Some(id), body).await
}

/// Says where the work landed; services only.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/pull-request",
    operation_id = "link_pull_request",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    request_body = LinkPullRequest,
    responses(Changed),
)]
pub(crate) async fn link_pull_request(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::TaskLinkPullRequest, Some(id), body).await
}

/// Without a body, asks for a classification. With one, a service reports the classifier's answer or its failure.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/classification",
    operation_id = "classify_task",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    request_body = Option<ClassificationBody>,
    responses(Changed),
)]
pub(crate) async fn classification(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    mut body: JsonBody,
) -> Response {
    let name = match &mut body.value {
        Value::Null => CommandName::TaskRequestClassification,
        Value::Object(members) if members.is_empty() => CommandName::TaskRequestClassification,
        Value::Object(members) if members.len() == 1 => match members.remove("failure") {
            Some(failure) => {
                body.value = failure;
                CommandName::TaskFailClassification
            }
            None => CommandName::TaskClassify,
        },
        _ => CommandName::TaskClassify,
    };
    perform(api, head, name, Some(id), body).await
}
