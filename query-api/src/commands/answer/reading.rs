//! Reads what the write side answers: the line of a command, or the problem of a whole request.

use chrono::{DateTime, Utc};
use event_store::PositionToken;
use serde::Deserialize;
use uuid::Uuid;

use super::{CommandAnswer, Conflict, Outcome, Refused, Taken, Unavailable, Why};

/// The members of an answer, those of a problem among them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Line {
    status: u16,
    id: Option<Uuid>,
    revision: Option<u64>,
    position: Option<String>,
    message_id: Option<Uuid>,
    execution_id: Option<Uuid>,
    repeated: bool,
    #[serde(rename = "final")]
    is_final: bool,
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    field: Option<String>,
    limit: Option<u64>,
    retry_at: Option<DateTime<Utc>>,
    retry_after_seconds: Option<u64>,
    current_revision: Option<u64>,
    outcome: Option<String>,
}

impl Unavailable {
    /// From the problem (RFC 9457) that a whole request was answered with.
    pub(in crate::commands) fn of_problem(status: u16, body: &[u8]) -> Self {
        let line: Line = serde_json::from_slice(body).unwrap_or_default();
        line.unavailable(status)
    }
}

impl CommandAnswer {
    /// Reads the answer to a line. One that is not understood leaves the outcome unknown: the command may well have been taken.
    pub fn of_line(line: &[u8]) -> Self {
        let line: Line = match serde_json::from_slice(line) {
            Ok(line) => line,
            Err(_) => return not_understood("the answer is not the JSON of a line"),
        };
        match line.status {
            200..=299 => line.taken(),
            412 => Self::Conflict(Conflict {
                current_revision: line.current_revision,
                is_final: line.is_final,
            }),
            400..=499 => line.refused(),
            status => Self::Unavailable(line.unavailable(status)),
        }
    }
}

fn not_understood(cause: &str) -> CommandAnswer {
    CommandAnswer::Unavailable(Unavailable::new(Why::Failed, Outcome::Unknown, cause))
}

impl Line {
    fn taken(self) -> CommandAnswer {
        let position = self.position.and_then(|position| PositionToken::decode(&position).ok());
        let (Some(id), Some(position)) = (self.id, position) else {
            return not_understood("the answer of a command that was taken lacks its id or its position");
        };
        CommandAnswer::Taken(Taken {
            id,
            revision: self.revision,
            position,
            message_id: self.message_id,
            execution_id: self.execution_id,
            repeated: self.repeated,
            is_final: self.is_final,
        })
    }

    fn refused(self) -> CommandAnswer {
        let Some(code) = self.code else {
            return not_understood("the answer of a command that was refused lacks its code");
        };
        CommandAnswer::Refused(Refused {
            message: self.detail.or(self.title).unwrap_or_default(),
            code,
            field: self.field,
            limit: self.limit,
            retry_at: self.retry_at,
            retry_after_seconds: self.retry_after_seconds,
            is_final: self.is_final,
        })
    }

    /// What is in the way between us, and 503, passes by itself. Whoever refuses a request for its form has begun nothing; a failure is
    /// believed when it says so.
    fn unavailable(self, status: u16) -> Unavailable {
        let not_applied = (300..500).contains(&status) || self.outcome.as_deref() == Some(Outcome::NotApplied.as_str());
        let code = self.code.as_deref().unwrap_or("no code");
        Unavailable {
            why: if matches!(status, 429 | 502..=504) {
                Why::Unavailable
            } else {
                Why::Failed
            },
            outcome: if not_applied {
                Outcome::NotApplied
            } else {
                Outcome::Unknown
            },
            cause: format!("the write side answered {status} ({code})"),
            code: self.code,
            retry_after_seconds: self.retry_after_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_understood_leaves_the_outcome_unknown() {
        for line in [
            "",
            "oops",
            "[]",
            "{}",
            r#"{"status": 200}"#,
            r#"{"status": 201, "id": "x"}"#,
            r#"{"status": 200, "id": "6d6c980c-b2c9-54dd-a03c-c3923eefcbbb", "position": "x"}"#,
            r#"{"status": 422}"#,
            r#"{"status": 503}"#,
            r#"{"status": 500, "outcome": "perhaps"}"#,
            "{\"status\": 422, \"code\": \"a\"}\n{\"status\": 422, \"code\": \"a\"}",
        ] {
            let CommandAnswer::Unavailable(unavailable) = CommandAnswer::of_line(line.as_bytes()) else {
                panic!("{line} was understood");
            };
            assert_eq!(unavailable.outcome, Outcome::Unknown, "{line}");
        }
    }

    #[test]
    fn a_failure_is_believed_when_it_says_that_nothing_was_applied() {
        let line = br#"{"status": 503, "code": "command.contended", "outcome": "not-applied", "retryAfterSeconds": 1}"#;
        let CommandAnswer::Unavailable(unavailable) = CommandAnswer::of_line(line) else {
            panic!("it is a failure");
        };
        assert_eq!(
            (unavailable.why, unavailable.outcome, unavailable.retry_after_seconds),
            (Why::Unavailable, Outcome::NotApplied, Some(1))
        );
        assert_eq!(unavailable.code.as_deref(), Some("command.contended"));
    }
}
