//! The answer to one operation, and its bytes: the same over HTTP, WebSocket and event streams.

use std::collections::BTreeMap;

use async_graphql::{Response, ServerError, Value};
use serde::Serialize;

use crate::error::ErrorCode;

/// The answer to one operation.
#[derive(Debug)]
pub struct Answer {
    /// Data, errors with codes, extensions.
    pub response: Response,
    /// Did fields run? If not, the answer has no `data`.
    pub executed: bool,
    /// The code of the error that kept the operation from running.
    pub refused: Option<ErrorCode>,
    /// Is it the answer to a document that clients were built with?
    pub trusted: bool,
}

/// Errors first, as the specification recommends, so that people see them.
#[derive(Serialize)]
struct AnswerBody<'a> {
    #[serde(skip_serializing_if = "<[ServerError]>::is_empty")]
    errors: &'a [ServerError],
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extensions: Option<&'a BTreeMap<String, Value>>,
}

impl Answer {
    /// The answer as a JSON object.
    pub fn to_json(&self) -> Vec<u8> {
        self.written(Some(&self.response.extensions))
    }

    /// Rows and errors alone, without what changes from one answer to the next though they do not.
    pub(crate) fn rows_to_json(&self) -> Vec<u8> {
        self.written(None)
    }

    fn written(&self, extensions: Option<&BTreeMap<String, Value>>) -> Vec<u8> {
        let body = AnswerBody {
            errors: &self.response.errors,
            data: Some(&self.response.data).filter(|_| self.executed),
            extensions: extensions.filter(|members| !members.is_empty()),
        };
        // Maps with text keys, texts and numbers: there is nothing in it that JSON cannot hold.
        serde_json::to_vec(&body).unwrap_or_default()
    }

    /// The token of the rows; none when it read no rows.
    pub(crate) fn position(&self) -> Option<&str> {
        match self.response.extensions.get("position") {
            Some(Value::String(token)) => Some(token),
            _ => None,
        }
    }
}
