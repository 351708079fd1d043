//! `POST /internal/commands/{category}`: commands that another node hands over. Not for clients, and not in the public document.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Aggregate as _;
use domain::conversation::Conversation;
use domain::quota::Quota;
use domain::task::Task;
use platform::problem::Problem;

use crate::api::CommandApi;

/// Where nodes hand commands over; the category of their streams follows.
pub(crate) const PATH: &str = "/internal/commands";

pub(super) async fn take(
    State(api): State<CommandApi>,
    Path(category): Path<String>,
    headers: HeaderMap,
    batch: Bytes,
) -> Response {
    if !is_a_node(&api, &headers) {
        return Problem::new(
            StatusCode::UNAUTHORIZED,
            "auth.node-token-required",
            "Only nodes of this installation hand commands over",
        )
        .into_response();
    }
    let answered = match category.as_str() {
        Conversation::CATEGORY => api.conversations().take_forwarded(&batch).await,
        Task::CATEGORY => api.tasks().take_forwarded(&batch).await,
        Quota::CATEGORY => api.quotas().take_forwarded(&batch).await,
        _ => return unreadable("there is no such category"),
    };
    match answered {
        Ok(answers) => ([(CONTENT_TYPE, "application/json")], answers).into_response(),
        Err(error) => unreadable(&error.to_string()),
    }
}

fn is_a_node(api: &CommandApi, headers: &HeaderMap) -> bool {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|token| api.signing_key().verify_node(token).is_ok())
}

/// Perhaps from a node of another version: it decides by itself.
fn unreadable(reason: &str) -> Response {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "request.invalid-body",
        "Commands that were handed over cannot be read",
    )
    .detail(reason)
    .into_response()
}
