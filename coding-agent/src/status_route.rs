//! `GET /api/status`: the end of the log and the place of every generation, for `coding-agent status`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use event_store::EventStore;
use platform::problem::Problem;
use platform::token::{SigningKey, TokenError};
use sqlx::PgPool;

/// What the route needs.
#[derive(Clone)]
pub(crate) struct StatusRoute {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) pool: PgPool,
    pub(crate) key: SigningKey,
    pub(crate) log_kind: &'static str,
}

pub(crate) fn router(route: StatusRoute) -> Router {
    Router::new().route("/api/status", get(status)).with_state(route)
}

async fn status(State(route): State<StatusRoute>, headers: HeaderMap) -> Response {
    if let Err(problem) = authorize(&route.key, &headers) {
        return problem.into_response();
    }
    match projections::status(&route.pool, &*route.store).await {
        Ok(status) => {
            let mut body = serde_json::to_value(&status).unwrap_or_default();
            body["logKind"] = route.log_kind.into();
            Json(body).into_response()
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "status cannot be told");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "status.unavailable",
                "The state of the log cannot be read",
            )
            .retry_after_seconds(1)
            .into_response()
        }
    }
}

fn authorize(key: &SigningKey, headers: &HeaderMap) -> Result<(), Problem> {
    let unauthorized = |code: &'static str| Problem::new(StatusCode::UNAUTHORIZED, code, "A bearer token is needed");
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| unauthorized("auth.missing-token"))?;
    let claims = key.verify(token).map_err(|error| match error {
        TokenError::Expired => unauthorized("auth.expired-token"),
        _ => unauthorized("auth.invalid-token"),
    })?;
    if matches!(claims.role.as_str(), "admin" | "analyst" | "service") {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "auth.wrong-role",
        "Only admins, analysts and services see the state of the log",
    ))
}
