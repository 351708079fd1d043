//! Commands about the executions of tasks.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use platform::problem::Problem;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{TargetExecution, TargetId, perform};
use crate::api::CommandApi;
use crate::catalogue::CommandName;
use crate::dto::InvalidBody;
use crate::dto::task::{CompleteExecution, FailExecution, ReportProgress, StartExecution};
use crate::extract::{CommandHead, JsonBody};
use crate::openapi::{Changed, CommandHeaders, Created};
use crate::problem;

/// Begins the first execution of a task; at most 10 starts an hour for each owner.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/executions",
    operation_id = "start_execution",
    tag = "task",
    params(("id" = uuid::Uuid, Path, description = "The task."), CommandHeaders),
    request_body = StartExecution,
    responses(Created),
)]
pub(crate) async fn start(
    State(api): State<CommandApi>,
    head: CommandHead,
    TargetId(id): TargetId,
    body: JsonBody,
) -> Response {
    perform(api, head, CommandName::TaskStartExecution, Some(id), body).await
}

macro_rules! report_route {
    ($(#[$documentation:meta])* $function:ident as $operation:literal, $path:literal, $body:ty, $command:ident) => {
        $(#[$documentation])*
        #[utoipa::path(
            post,
            path = $path,
            operation_id = $operation,
            tag = "task",
            params(
                ("id" = uuid::Uuid, Path, description = "The task."),
                ("executionId" = uuid::Uuid, Path, description = "The running execution."),
                CommandHeaders,
            ),
            request_body = $body,
            responses(Changed),
        )]
        pub(crate) async fn $function(
            State(api): State<CommandApi>,
            head: CommandHead,
            TargetId(id): TargetId,
            TargetExecution(execution): TargetExecution,
            body: JsonBody,
        ) -> Response {
            match about(execution, body) {
                Ok(body) => perform(api, head, CommandName::$command, Some(id), body).await,
                Err(problem) => problem.into_response(),
            }
        }
    };
}

report_route! {
    /// Tells how far an execution is; services only.
    progress as "report_progress", "/api/tasks/{id}/executions/{executionId}/progress", ReportProgress, TaskReportProgress
}
report_route! {
    /// Ends an execution successfully; services only.
    completion as "complete_execution", "/api/tasks/{id}/executions/{executionId}/completion", CompleteExecution, TaskCompleteExecution
}
report_route! {
    /// Ends an execution as failed; services only.
    failure as "fail_execution", "/api/tasks/{id}/executions/{executionId}/failure", FailExecution, TaskFailExecution
}

/// Puts the execution of the path into the body, so that the command has the same content (and hash) on every route.
fn about(execution: Uuid, mut body: JsonBody) -> Result<JsonBody, Problem> {
    if body.value.is_null() {
        body.value = Value::Object(Map::new());
    }
    let Value::Object(members) = &mut body.value else {
        return Ok(body);
    };
    let named = Value::String(execution.to_string());
    match members.get("executionId") {
        Some(given) if *given != named => Err(problem::invalid_body(InvalidBody {
            field: "executionId".to_owned(),
            reason: "the body names another execution than the path".to_owned(),
        })),
        Some(_) => Ok(body),
        None => {
            members.insert("executionId".to_owned(), named);
            Ok(body)
        }
    }
}
