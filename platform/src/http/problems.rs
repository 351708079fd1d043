//! Turns the plain-text answers of axum's extractors into problems, so that a client meets one shape of error.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::body_limit;
use crate::problem::Problem;

/// The extractors' texts are one sentence.
const LARGEST_DETAIL_BYTES: usize = 4_096;

pub(super) async fn from_rejections(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(problem) = problem_of(response.status()).filter(|_| is_plain_text(&response)) else {
        return response;
    };
    match to_bytes(response.into_body(), LARGEST_DETAIL_BYTES).await {
        Ok(text) if !text.is_empty() => problem.detail(String::from_utf8_lossy(&text)),
        _ => problem,
    }
    .into_response()
}

/// The statuses that extractors refuse with.
fn problem_of(status: StatusCode) -> Option<Problem> {
    let (code, title) = match status {
        StatusCode::BAD_REQUEST => ("request.not-readable", "Request cannot be read"),
        StatusCode::PAYLOAD_TOO_LARGE => return Some(body_limit::too_large()),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("request.media-type-not-supported", "Media type not supported"),
        StatusCode::UNPROCESSABLE_ENTITY => ("request.content-not-valid", "Request content is not valid"),
        _ => return None,
    };
    Some(Problem::new(status, code, title))
}

fn is_plain_text(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/plain"))
}
