//! The body of a command: JSON, or nothing.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use platform::problem::Problem;
use serde_json::Value;

use crate::problem;

/// A parsed body; `Null` when there is none.
#[derive(Debug)]
pub(crate) struct JsonBody {
    pub(crate) value: Value,
    /// Its size as sent.
    pub(crate) bytes: usize,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(CONTENT_TYPE)
            .map(|value| is_json(value.to_str().unwrap_or_default()));
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        if bytes.is_empty() {
            return Ok(Self {
                value: Value::Null,
                bytes: 0,
            });
        }
        if is_json != Some(true) {
            return Err(problem::unsupported_media_type("application/json"));
        }
        let value = serde_json::from_slice(&bytes).map_err(|error| problem::malformed_json(&error))?;
        Ok(Self {
            value,
            bytes: bytes.len(),
        })
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn unreadable(rejection: BytesRejection) -> Problem {
    use axum::response::IntoResponse;
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        problem::body_too_large()
    } else {
        problem::body_unreadable()
    }
}
