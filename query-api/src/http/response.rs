//! The answer as a response of HTTP.

use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::entity_tag;
use super::media_type::MediaType;
use crate::answer::Answer;
use crate::error::{ErrorCode, QueryError};
use crate::execution::refused;
use crate::options::QueryApiOptions;

/// Tells the position of the rows where the body cannot.
pub(super) const POSITION_HEADER: HeaderName = HeaderName::from_static("position");

/// What of the request decides about the response.
pub(super) struct Asked<'a> {
    pub(super) media_type: MediaType,
    /// The headers of a GET.
    pub(super) by_get: Option<&'a HeaderMap>,
    pub(super) correlation_id: &'a str,
}

/// Writes the answer.
pub(super) fn of_answer(answer: &Answer, asked: &Asked<'_>, options: &QueryApiOptions) -> Response {
    let bytes = answer.to_json();
    if bytes.len() > options.max_answer_bytes {
        let error = QueryError::Limit {
            code: ErrorCode::LimitAnswer,
            what: "the bytes of an answer",
            limit: options.max_answer_bytes,
        };
        let instead = refused(error.into(), asked.correlation_id, Instant::now());
        let bytes = instead.to_json();
        return written(&instead, bytes, asked, options);
    }
    written(answer, bytes, asked, options)
}

fn written(answer: &Answer, bytes: Vec<u8>, asked: &Asked<'_>, options: &QueryApiOptions) -> Response {
    let status = options.http_profile.status(answer, asked.media_type);
    let tag = asked
        .by_get
        .filter(|_| answer.trusted && status == StatusCode::OK)
        .and_then(|headers| Some((headers, entity_tag::of(&answer.rows_to_json())?)));
    let mut response = match &tag {
        Some((headers, tag)) if entity_tag::is_known(headers, tag) => StatusCode::NOT_MODIFIED.into_response(),
        _ => (status, bytes).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asked.media_type.content_type()));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Origin"));
    if let Some((_, tag)) = tag {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(ETAG, tag);
        if let Some(position) = answer.position().and_then(|token| HeaderValue::from_str(token).ok()) {
            headers.insert(POSITION_HEADER, position);
        }
    } else {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from(1));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        _ => {}
    }
    response
}
