//! Bounds the time until an answer begins. A streamed answer may go on for longer.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

pub(super) async fn limit(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        // The handler was dropped at an unknown point: what it had begun may still have happened.
        Err(_elapsed) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "request.timed-out",
            "Request timed out",
        )
        .outcome("unknown")
        .retry_after_seconds(1)
        .into_response(),
    }
}
