//! A command on its way out: a line of the bulk route.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// One command with its envelope, by the names that the bulk route reads. What is left out is not written: the content of a command is
/// hashed as it is sent, so that a repetition over another interface is known as one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GivenCommand {
    /// Its name, such as `task.create`.
    pub command: &'static str,
    /// The conversation or task; none for one that is to be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What makes a repetition one.
    pub command_id: String,
    /// The revision that the stream must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_revision: Option<u64>,
    /// When it happened, for imports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
    /// Where imported history came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
    /// The content; none for a command that has nothing to say beyond its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl GivenCommand {
    /// The line, without its end.
    pub fn to_line(&self) -> Vec<u8> {
        // Plain text, numbers and maps with text keys can always be written; an empty line would have no answer.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
