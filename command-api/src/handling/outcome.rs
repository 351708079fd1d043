//! How a command ends.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use domain::{Refusal, RefusalKind};
use event_store::{LogPosition, StoreError};
use serde::{Deserialize, Serialize};

/// The command was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it did.
    pub effect: Effect,
    /// The revision after it; none for a stream that still has no events.
    pub revision: Option<u64>,
    /// What a read must cover to show it: the last event of its commit. A repetition may name the command's own last
    /// event instead, which is in the same commit.
    pub at: Option<LogPosition>,
    /// "Nothing to do" that is recorded in the log: no other attempt at this command will ever do anything.
    pub is_final: bool,
}

/// What a command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Its events are in the log.
    Done,
    /// The state is already as wanted; no event.
    NothingToDo,
    /// An earlier attempt with this command id and content did it; the answer is that attempt's.
    AlreadyDone,
}

/// The command was not taken, or nobody knows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// A rule of the aggregate.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// The stream is not in the state that the client expected.
    #[error("the stream is not at the expected revision")]
    Conflict {
        /// Its revision now.
        current: Option<u64>,
        /// Recorded in the log, so that it binds every attempt at this command.
        is_final: bool,
    },
    /// The command id was used on this stream before, with other content.
    #[error("the command id was used before with other content")]
    KeyReused,
    /// The events of this one command are more than the log takes in a commit.
    #[error("the command makes {bytes} bytes of events, more than the limit of {limit}")]
    TooLarge {
        /// Their size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Try again later, with the same command id.
    #[error("the command could not be worked on: {reason}")]
    Unavailable {
        /// Is it certain that nothing was applied?
        certainty: Certainty,
        /// Stable code.
        code: &'static str,
        /// For operators; holds no content of commands.
        reason: String,
    },
    /// A defect of ours, or damaged data; nothing was applied.
    #[error("the command failed: {reason}")]
    Failed {
        /// Stable code.
        code: &'static str,
        /// For operators, never for clients.
        reason: String,
    },
}

/// Does the client know what happened to a command that was not answered?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It had no effect.
    NotApplied,
    /// It may have had, or may yet have, its effect.
    Unknown,
}

/// A refusal of any aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Stable, for programs.
    pub code: Cow<'static, str>,
    /// What a client can do about it.
    pub kind: RefusalKind,
    /// For people.
    pub message: String,
    /// The field at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Cow<'static, str>>,
    /// The limit that was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// When it may be tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<DateTime<Utc>>,
    /// Recorded in the log, so that it binds every attempt at this command, earlier and later ones.
    #[serde(skip)]
    pub is_final: bool,
}

impl Refused {
    pub(super) fn from_refusal(refusal: &impl Refusal) -> Self {
        Self {
            code: refusal.code().into(),
            kind: refusal.kind(),
            message: refusal.to_string(),
            field: refusal.field().map(Cow::Borrowed),
            limit: refusal.limit(),
            retry_at: refusal.retry_at(),
            is_final: false,
        }
    }
}

impl Rejection {
    /// Whoever worked on the command ended without an answer.
    pub(crate) fn interrupted() -> Self {
        Self::Unavailable {
            certainty: Certainty::Unknown,
            code: "command.interrupted",
            reason: "the command was interrupted while it was worked on".to_owned(),
        }
    }

    /// Nothing was written, by the store's word.
    pub(super) fn from_store(error: &StoreError) -> Self {
        let code = error.code();
        let reason = error.to_string();
        match error {
            StoreError::TooLarge { bytes, limit } => Self::TooLarge {
                bytes: *bytes,
                limit: *limit,
            },
            StoreError::CommandIdReused { .. } => Self::KeyReused,
            StoreError::WrongExpectedRevision { current, .. } => Self::Conflict {
                current: *current,
                is_final: false,
            },
            StoreError::OutcomeUnknown { .. } => Self::Unavailable {
                certainty: Certainty::Unknown,
                code,
                reason,
            },
            StoreError::Unavailable { .. }
            | StoreError::Backpressure { .. }
            | StoreError::Guarded { .. }
            | StoreError::Halted { .. } => Self::Unavailable {
                certainty: Certainty::NotApplied,
                code,
                reason,
            },
            StoreError::Invalid(_) | StoreError::Corrupt(_) => Self::Failed { code, reason },
        }
    }

    /// The name in metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Conflict { .. } => "conflict",
            Self::KeyReused => "key-reused",
            Self::TooLarge { .. } => "too-large",
            Self::Unavailable {
                certainty: Certainty::NotApplied,
                ..
            } => "unavailable",
            Self::Unavailable {
                certainty: Certainty::Unknown,
                ..
            } => "unknown",
            Self::Failed { .. } => "failed",
        }
    }
}

impl Effect {
    /// The name in metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NothingToDo => "nothing-to-do",
            Self::AlreadyDone => "already-done",
        }
    }
}
