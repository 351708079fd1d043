//! The answer as bytes: which status, and no `data` where nothing ran.

use std::collections::BTreeMap;

use async_graphql::{ServerError, Value};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::media_type::MediaType;
use crate::error::ErrorCode;
use crate::execution::Answer;

/// Errors first, as the specification recommends, so that people see them.
#[derive(Serialize)]
struct AnswerBody<'a> {
    #[serde(skip_serializing_if = "<[ServerError]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    extensions: &'a BTreeMap<String, Value>,
}

/// Writes the answer.
pub(super) fn of_answer(answer: &Answer, media_type: MediaType) -> Response {
    let status = status(answer, media_type);
    let body = AnswerBody {
        errors: &answer.response.errors,
        data: Some(&answer.response.data).filter(|_| answer.executed),
        extensions: &answer.response.extensions,
    };
    let Ok(bytes) = serde_json::to_vec(&body) else {
        // Maps with text keys and numbers: there is nothing in it that JSON cannot hold.
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type.content_type()));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from(1));
    }
    response
}

/// 503 and 500 in either media type, so that balancers and monitors see a service in trouble. A refused operation is 400 in the GraphQL media
/// type and 200 in `application/json`, where clients expect every well-formed answer.
fn status(answer: &Answer, media_type: MediaType) -> StatusCode {
    match (answer.refused, media_type) {
        (Some(ErrorCode::Unavailable | ErrorCode::NotReady | ErrorCode::Timeout), _)
        | (Some(ErrorCode::FreshnessTimeout), MediaType::GraphQlResponse) => StatusCode::SERVICE_UNAVAILABLE,
        (Some(ErrorCode::UnknownGeneration), _) => StatusCode::NOT_FOUND,
        (Some(ErrorCode::GenerationBuilding), _) => StatusCode::CONFLICT,
        (Some(ErrorCode::Internal), _) => StatusCode::INTERNAL_SERVER_ERROR,
        (None, _) | (Some(_), MediaType::Json) => StatusCode::OK,
        (Some(_), MediaType::GraphQlResponse) => StatusCode::BAD_REQUEST,
    }
}
