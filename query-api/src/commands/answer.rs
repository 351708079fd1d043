//! How a command ended.

mod reading;

use chrono::{DateTime, Utc};
use event_store::PositionToken;
use uuid::Uuid;

/// The answer to one command.
#[derive(Debug, Clone, PartialEq)]
pub enum CommandAnswer {
    /// It was taken.
    Taken(Taken),
    /// A rule forbids it; nothing was applied.
    Refused(Refused),
    /// The stream is at another revision than the caller expected; nothing was applied.
    Conflict(Conflict),
    /// There is no answer, for a reason that is not the caller's.
    Unavailable(Unavailable),
}

/// What a command did that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The conversation or task.
    pub id: Uuid,
    /// Its revision after the command; none while it has no events.
    pub revision: Option<u64>,
    /// What a read must cover to show it.
    pub position: PositionToken,
    /// The new message.
    pub message_id: Option<Uuid>,
    /// The new execution.
    pub execution_id: Option<Uuid>,
    /// An earlier attempt with the same id had done it.
    pub repeated: bool,
    /// There was nothing to do, and that is recorded.
    pub is_final: bool,
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// The limit that was passed.
    pub limit: Option<u64>,
    /// When it may be tried again.
    pub retry_at: Option<DateTime<Utc>>,
    /// The same, as seconds from the answer.
    pub retry_after_seconds: Option<u64>,
    /// The refusal is recorded, so that it binds every attempt with the same id.
    pub is_final: bool,
}

/// Another revision than the expected one.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    /// The present one; none for a stream without events.
    pub current_revision: Option<u64>,
    /// The conflict is recorded, so that it binds every attempt with the same id.
    pub is_final: bool,
}

/// No answer. Printing it tells the cause, for our log; clients get [`Unavailable::advice`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{cause}")]
pub struct Unavailable {
    /// What sort of failure it is.
    pub why: Why,
    /// What is known of the command.
    pub outcome: Outcome,
    /// What the write side says itself; stable.
    pub code: Option<String>,
    /// When to try again, where the write side knows.
    pub retry_after_seconds: Option<u64>,
    /// For our log; never a token and never the content of a command.
    pub cause: String,
}

/// What sort of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// This process was told no way to the write side.
    NotConfigured,
    /// The write side cannot be reached or cannot work at present.
    Unavailable,
    /// A defect, or a wrong configuration: trying again does not help.
    Failed,
}

/// What is known of a command that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It had no effect and will have none.
    NotApplied,
    /// It may have had its effect, or may yet have it.
    Unknown,
}

impl Outcome {
    /// The word that clients see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplied => "not-applied",
            Self::Unknown => "unknown",
        }
    }
}

impl Unavailable {
    /// A failure that the write side itself says nothing of.
    pub fn new(why: Why, outcome: Outcome, cause: impl Into<String>) -> Self {
        Self {
            why,
            outcome,
            code: None,
            retry_after_seconds: None,
            cause: cause.into(),
        }
    }

    /// What a client can do.
    pub const fn advice(&self) -> &'static str {
        match (self.why, self.outcome) {
            (Why::NotConfigured, _) => {
                "this process has no way to the write side: its operator sets query_api.commands_url to the address of a process with the role command-api"
            }
            (Why::Unavailable, Outcome::NotApplied) => {
                "the write side is not available at present and nothing was applied: repeat it later"
            }
            (_, Outcome::Unknown) => {
                "nobody knows whether the command was applied: repeat it with this clientMutationId, and it takes effect at most once"
            }
            (Why::Failed, Outcome::NotApplied) => "the command failed for a reason of ours and nothing was applied",
        }
    }
}
