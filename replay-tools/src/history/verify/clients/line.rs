//! One line of the clients' log: an attempt, written when it ended.

use domain::{CommandId, StreamId, UserId};
use serde::Deserialize;

/// An attempt as its client saw it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptLine {
    /// Who attempted it.
    pub client: String,
    /// Microseconds on the one monotonic clock of the run.
    pub started_at: u64,
    /// On the same clock.
    pub ended_at: u64,
    /// Whom the token stood for.
    pub principal: UserId,
    /// The idempotency key as sent.
    pub command_id: CommandId,
    /// Any hash of what was asked; tells contents under one key apart.
    pub content_hash: String,
    /// The kind of command, for people.
    pub command: String,
    /// Its stream; none for a creation that was never answered.
    pub stream: Option<StreamId>,
    /// The revision that the client named.
    #[serde(default)]
    pub expected_revision: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Outcome {
    /// Its events are in the log.
    Done {
        /// Revision of the last of them.
        revision: u64,
        /// An earlier attempt did it.
        #[serde(default)]
        replayed: bool,
    },
    /// There was nothing to do.
    Nothing {
        /// Revision of the stream; none without events.
        revision: Option<u64>,
    },
    /// A rule of the domain said no.
    Refused {
        /// Stable code of the rule.
        code: String,
        /// No later attempt may succeed either.
        #[serde(default, rename = "final")]
        is_final: bool,
    },
    /// The stream was not at the revision that the client named.
    Conflict {
        /// Where it was; none without events.
        current_revision: Option<u64>,
    },
    /// Not taken, for certain.
    NotApplied {
        /// Why.
        #[serde(default)]
        code: String,
    },
    /// Nobody knows.
    Unknown {
        /// Why.
        #[serde(default)]
        code: String,
    },
}
