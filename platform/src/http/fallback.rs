//! Answers where no handler gave one.

use std::any::Any;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// No route has this path.
pub(super) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "route.not-found", "No such route")
}

/// The route exists, but not with this method.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "route.method-not-allowed",
        "Method not allowed",
    )
}

/// A handler panicked. What it said stays here: it may hold anything.
pub(super) fn panicked(_payload: Box<dyn Any + Send>) -> Response {
    tracing::error!("request handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal.unexpected",
        "Internal error",
    )
    .outcome("unknown")
    .into_response()
}
