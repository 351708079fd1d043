//! The routes. Each names its command and hands over; `perform` is the common way.

pub(crate) mod bulk;
pub(crate) mod conversation;
pub(crate) mod execution;
pub(crate) mod forwarded;
pub(crate) mod task;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{patch, post, put};
use platform::clock;
use platform::http::BodyLimitOfRoute;
use platform::problem::Problem;
use uuid::Uuid;

use crate::api::CommandApi;
use crate::catalogue::CommandName;
use crate::extract::{CommandHead, IDEMPOTENCY_KEY_HEADER, JsonBody};
use crate::order::Order;
use crate::problem;
use crate::reply::Subject;

/// Routes that bound their bodies themselves; for [`platform::http::with_standard_layers`].
pub const BODY_LIMITS: &[BodyLimitOfRoute] = &[BodyLimitOfRoute {
    route: bulk::PATH,
    max_body_bytes: usize::MAX,
}];

/// All command routes, without the standard layers.
pub fn router(api: CommandApi) -> Router {
    Router::new()
        .route("/api/conversations", post(conversation::start))
        .route(
            "/api/conversations/{id}",
            put(conversation::rename).delete(conversation::delete),
        )
        .route("/api/conversations/{id}/messages", post(conversation::send_message))
        .route("/api/conversations/{id}/archive", post(conversation::archive))
        .route("/api/conversations/{id}/reopen", post(conversation::reopen))
        .route("/api/tasks", post(task::create))
        .route("/api/tasks/{id}", patch(task::amend).delete(task::delete))
        .route("/api/tasks/{id}/classification", post(task::classification))
        .route("/api/tasks/{id}/cancel", post(task::cancel))
        .route("/api/tasks/{id}/retry", post(task::retry))
        .route("/api/tasks/{id}/pull-request", post(task::link_pull_request))
        .route("/api/tasks/{id}/executions", post(execution::start))
        .route(
            "/api/tasks/{id}/executions/{executionId}/progress",
            post(execution::progress),
        )
        .route(
            "/api/tasks/{id}/executions/{executionId}/completion",
            post(execution::completion),
        )
        .route(
            "/api/tasks/{id}/executions/{executionId}/failure",
            post(execution::failure),
        )
        .route(bulk::PATH, post(bulk::commands))
        .route("/internal/commands/{category}", post(forwarded::take))
        .with_state(api)
}

/// Takes one command and answers it, with its command id on every answer: a client that did not choose one needs it
/// to repeat.
async fn perform(api: CommandApi, head: CommandHead, name: CommandName, id: Option<Uuid>, body: JsonBody) -> Response {
    let CommandHead {
        caller,
        command_id,
        expected,
        earlier,
    } = head;
    let key = HeaderValue::from_str(command_id.as_str());
    let order = Order {
        name,
        id,
        command_id,
        body: body.value,
        expected,
        at: None,
        provenance: None,
        bytes: body.bytes,
    };
    let mut response = match order.prepare(&caller) {
        Err(problem) => problem.into_response(),
        Ok(prepared) => {
            let subject = Subject {
                name,
                id: prepared.id,
                part: prepared.part,
            };
            match api.execute(prepared).await {
                Ok(answer) => subject.response(&api, &answer, earlier.as_ref()),
                Err(rejection) => problem::from_rejection(rejection, clock::now()).into_response(),
            }
        }
    };
    if let Ok(key) = key {
        response.headers_mut().insert(IDEMPOTENCY_KEY_HEADER, key);
    }
    response
}

/// The `{id}` of a path.
#[derive(Debug)]
pub(crate) struct TargetId(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for TargetId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        path_id(parts, state, "id").await.map(Self)
    }
}

/// The `{executionId}` of a path.
#[derive(Debug)]
pub(crate) struct TargetExecution(Uuid);

impl<S: Send + Sync> FromRequestParts<S> for TargetExecution {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        path_id(parts, state, "executionId").await.map(Self)
    }
}

async fn path_id<S: Send + Sync>(parts: &mut Parts, state: &S, name: &'static str) -> Result<Uuid, Problem> {
    let parameters = axum::extract::RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| problem::malformed_id(name))?;
    parameters
        .iter()
        .find(|(parameter, _)| *parameter == name)
        .and_then(|(_, value)| Uuid::parse_str(value).ok())
        .ok_or_else(|| problem::malformed_id(name))
}
