//! Bounds the body of a request: by its announced length before a byte is read, else while it is read.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::RequestExt;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;

use super::BodyLimitOfRoute;
use crate::problem::Problem;

/// The limit of each route.
pub(super) struct BodyLimits {
    default: usize,
    by_route: HashMap<&'static str, usize>,
}

impl BodyLimits {
    pub(super) fn new(default: usize, exceptions: &[BodyLimitOfRoute]) -> Self {
        let by_route = exceptions
            .iter()
            .map(|exception| (exception.route, exception.max_body_bytes))
            .collect();
        Self { default, by_route }
    }

    fn of(&self, route: Option<&MatchedPath>) -> usize {
        route
            .and_then(|route| self.by_route.get(route.as_str()))
            .copied()
            .unwrap_or(self.default)
    }
}

pub(super) async fn limit(State(limits): State<Arc<BodyLimits>>, mut request: Request, next: Next) -> Response {
    let limit = limits.of(request.extensions().get());
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        discard(request).await;
        return too_large().limit(limit as u64).into_response();
    }
    // For the extractors, and for handlers that take the body as it is.
    DefaultBodyLimit::max(limit).apply(&mut request);
    next.run(request.with_limited_body()).await
}

/// Most bytes of a refused body that are read and thrown away, and the longest time for it.
const DISCARD_BYTES: usize = 8 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Reads what a client is about to send anyway. A socket that is closed with unread bytes is reset, and a reset can
/// overtake the answer. Above these bounds a reset is right.
async fn discard(request: Request) {
    let mut body = request.into_body().into_data_stream();
    let read = async {
        let mut left = DISCARD_BYTES;
        while let Some(Ok(chunk)) = body.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    // Late or not, the answer follows.
    let _ = tokio::time::timeout(DISCARD_TIME, read).await;
}

/// The problem of a body above the limit.
pub(super) fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request.body-too-large",
        "Request body too large",
    )
}
