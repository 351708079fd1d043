//! One commit of a history, as every source gives it.

use chrono::{DateTime, SubsecRound, Utc};
use domain::text::NUMBER_MAX;
use serde::Deserialize;
use uuid::Uuid;

/// Microseconds are what `PostgreSQL` keeps.
const SECOND_DIGITS: u16 = 6;

/// One commit. The field names are those of a line of a `.jsonl` history.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HistoryCommit {
    /// The repository it belongs to, by convention `owner/name`.
    #[serde(default)]
    pub repo: String,
    /// The commit's hash in hexadecimal.
    pub sha: String,
    /// When its author made it.
    pub at: DateTime<Utc>,
    /// The author: a UUID v5 of the mail address in lower case.
    pub author: Uuid,
    /// The first paragraph of its message.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
    /// Files touched.
    pub files_changed: u64,
    /// Lines added, without binary files.
    pub lines_added: u64,
    /// Lines removed, without binary files.
    pub lines_removed: u64,
    /// The conventional-commit type (`fix`), when the subject has one.
    #[serde(rename = "type")]
    pub commit_type: Option<String>,
    /// The conventional-commit scope, when the subject has one.
    pub scope: Option<String>,
}

/// What makes a commit unusable; the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadCommit(pub String);

impl HistoryCommit {
    /// Reads one line of a `.jsonl` history.
    pub fn from_json(line: &[u8]) -> Result<Self, BadCommit> {
        serde_json::from_slice(line).map_err(|error| {
            // serde_json counts lines inside its input, which is one line of ours: its number would mislead.
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default();
            BadCommit(format!("{reason} (column {})", error.column()))
        })
    }

    /// Brings it into the form that the commands need, or says why that is not possible.
    ///
    /// `repository` is the name given on the command line, which wins over the one in the history.
    pub fn checked(mut self, repository: Option<&str>) -> Result<Self, BadCommit> {
        if let Some(name) = repository {
            name.clone_into(&mut self.repo);
        }
        if self.repo.trim().is_empty() {
            return Err(BadCommit("missing field `repo`, and no --repo was given".to_owned()));
        }
        if !(7..=64).contains(&self.sha.len()) || !self.sha.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadCommit("`sha` must be 7 to 64 hexadecimal digits".to_owned()));
        }
        let numbers = [
            ("files_changed", self.files_changed),
            ("lines_added", self.lines_added),
            ("lines_removed", self.lines_removed),
        ];
        for (name, number) in numbers {
            if number > NUMBER_MAX {
                return Err(BadCommit(format!("`{name}` may be at most {NUMBER_MAX}")));
            }
        }
        self.at = self.at.trunc_subsecs(SECOND_DIGITS);
        Ok(self)
    }
}
