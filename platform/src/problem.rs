//! RFC 9457 problem details: the one shape of every error answer over HTTP.
//!
//! Which problems exist is the business of each service: its closed error enum converts into [`Problem`]. The few that
//! this crate makes itself are in [`crate::http`].

use std::borrow::Cow;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One error answer: a status, a stable code that clients branch on, words for people, and extension members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    extensions: Map<String, Value>,
    retry_after_seconds: Option<u64>,
}

impl Problem {
    /// A problem with its HTTP status, stable code (`task.not-found`) and a title that is the same every time.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: code.into(),
            title: title.into(),
            detail: None,
            extensions: Map::new(),
            retry_after_seconds: None,
        }
    }

    /// What happened this time, and how to mend it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// An extension member. The names of the standard members are taken and win over an extension.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extensions.insert(name.into(), value.into());
        self
    }

    /// The field of the request that breaks a rule.
    #[must_use]
    pub fn field(self, field: impl Into<String>) -> Self {
        self.with("field", field.into())
    }

    /// The limit that the request breaks.
    #[must_use]
    pub fn limit(self, limit: u64) -> Self {
        self.with("limit", limit)
    }

    /// The revision that the stream has, where the request named another one.
    #[must_use]
    pub fn current_revision(self, revision: u64) -> Self {
        self.with("currentRevision", revision)
    }

    /// Whether the command took effect: `unknown` or `not-applied`.
    #[must_use]
    pub fn outcome(self, outcome: &'static str) -> Self {
        self.with("outcome", outcome)
    }

    /// The correlation id; [`crate::http`] sets it on every problem that leaves the process.
    #[must_use]
    pub fn correlation_id(self, correlation_id: impl Into<String>) -> Self {
        self.with("correlationId", correlation_id.into())
    }

    /// When to try again, also sent as the header `Retry-After`.
    #[must_use]
    pub fn retry_after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// With another HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The body as JSON, for answers that carry several problems (NDJSON, GraphQL extensions).
    pub fn to_json(&self) -> Value {
        let mut members = self.extensions.clone();
        members.insert("type".to_owned(), format!("urn:problem-type:{}", self.code).into());
        members.insert("title".to_owned(), self.title.as_ref().into());
        members.insert("status".to_owned(), self.status.as_u16().into());
        members.insert("code".to_owned(), self.code.as_ref().into());
        if let Some(detail) = &self.detail {
            members.insert("detail".to_owned(), detail.as_str().into());
        }
        if let Some(seconds) = self.retry_after_seconds {
            members.insert("retryAfterSeconds".to_owned(), seconds.into());
        }
        Value::Object(members)
    }
}

impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The edge writes the correlation id into the body: it needs the problem, not its bytes.
        response.extensions_mut().insert(self);
        response
    }
}
