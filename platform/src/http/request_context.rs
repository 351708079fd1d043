//! What a request carries through the whole system: its correlation id and the trace that it belongs to.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use crate::problem::Problem;

/// The header that brings the correlation id in and takes it out.
pub const CORRELATION_ID_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

const TRACE_PARENT_HEADER: HeaderName = HeaderName::from_static("traceparent");

/// Ties together all that one request caused. The client's own (1 to 128 visible ASCII characters), else a new UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(headers: &HeaderMap) -> Self {
        let given = headers
            .get(&CORRELATION_ID_HEADER)
            .map(HeaderValue::as_bytes)
            .and_then(visible_ascii);
        given.map_or_else(|| Self(Uuid::now_v7().to_string().into()), |id| Self(id.into()))
    }
}

/// The W3C `traceparent` of the caller, when it sent a well-formed one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceParent(pub Option<String>);

impl TraceParent {
    /// Reads the header. As the standard asks, a wrong or repeated one is as good as none.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(&TRACE_PARENT_HEADER).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self(
                value
                    .to_str()
                    .ok()
                    .filter(|text| is_trace_parent(text))
                    .map(str::to_owned),
            ),
            _ => Self(None),
        }
    }
}

/// Makes both available as request extensions, and sends the correlation id back on every answer.
pub(super) async fn attach(mut request: Request, next: Next) -> Response {
    let correlation_id = CorrelationId::of(request.headers());
    let trace_parent = TraceParent::of(request.headers());
    let without_body = request.method() == Method::HEAD;
    request.extensions_mut().insert(correlation_id.clone());
    request.extensions_mut().insert(trace_parent);

    let mut response = next.run(request).await;
    if !without_body && let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = with_correlation_id(response, problem.correlation_id(correlation_id.as_str()));
    }
    if let Ok(value) = HeaderValue::from_str(correlation_id.as_str()) {
        response.headers_mut().insert(CORRELATION_ID_HEADER, value);
    }
    response
}

/// Only the body is written again: the headers may have been added to by layers.
fn with_correlation_id(mut response: Response, problem: Problem) -> Response {
    *response.body_mut() = Json(problem).into_response().into_body();
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

fn visible_ascii(bytes: &[u8]) -> Option<&str> {
    let fits = (1..=128).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    if fits { str::from_utf8(bytes).ok() } else { None }
}

/// `version-traceid-parentid-flags` in lower-case hexadecimal; later versions than 00 may add further parts.
fn is_trace_parent(text: &str) -> bool {
    const LARGEST_BYTES: usize = 256;
    let mut parts = text.split('-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    text.len() <= LARGEST_BYTES
        && is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_not_zero(trace)
        && is_hex(parent, 16)
        && is_not_zero(parent)
        && is_hex(flags, 2)
        && (version != "00" || parts.next().is_none())
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_not_zero(text: &str) -> bool {
    text.bytes().any(|byte| byte != b'0')
}
