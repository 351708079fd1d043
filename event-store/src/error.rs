//! Why a store could not do what was asked.

/// Errors of an [`crate::EventStore`]. A refused expectation is one of them; a rule of the domain never is.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The expected state of the stream is not its state.
    #[error("stream {stream} is at revision {}, not as expected", revision_text(*current))]
    WrongExpectedRevision {
        /// The stream.
        stream: String,
        /// Its revision now; none when it has no events.
        current: Option<u64>,
    },
    /// The command id was used on this stream before, with another body.
    #[error("the command id was used on stream {stream} before, with other content")]
    CommandIdReused {
        /// The stream.
        stream: String,
    },
    /// Nothing was written; trying again later may help.
    #[error("the log is not available: {reason}")]
    Unavailable {
        /// What is missing, for operators.
        reason: String,
    },
    /// It may or may not have been written; repeating it with the same command id finds out.
    #[error("the outcome is unknown: {reason}")]
    OutcomeUnknown {
        /// What was waited for.
        reason: String,
    },
    /// The commit is larger than the log takes; nothing was sent.
    #[error("a commit of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Too much is in flight or the journal is too far behind; nothing was written.
    #[error("the log takes no more writes at present: {reason}")]
    Backpressure {
        /// Which bound was reached.
        reason: String,
    },
    /// A guard found that writing could harm history, or add to harmed history; nothing was written.
    #[error("the log takes no writes: {reason}")]
    Guarded {
        /// What was found, what is needed, and the way out.
        reason: String,
    },
    /// The partition lost or changed history, or was written by a newer version; nothing is written or read until an operator rules.
    #[error("partition {partition} is stopped at offset {offset}: {reason}")]
    Halted {
        /// The partition.
        partition: u32,
        /// Where.
        offset: u64,
        /// What was found, and the way out.
        reason: String,
    },
    /// The request makes no sense (no events, too many).
    #[error("{0}")]
    Invalid(&'static str),
    /// What was read back is not what this software writes.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// May trying the same again later help?
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Backpressure { .. } | Self::OutcomeUnknown { .. } | Self::Guarded { .. }
        )
    }

    /// Stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongExpectedRevision { .. } => "stream.wrong-expected-revision",
            Self::CommandIdReused { .. } => "idempotency.key-reused",
            Self::Unavailable { .. } => "log.unavailable",
            Self::OutcomeUnknown { .. } => "log.outcome-unknown",
            Self::TooLarge { .. } => "log.commit-too-large",
            Self::Backpressure { .. } => "log.backpressure",
            Self::Guarded { .. } => "log.guarded",
            Self::Halted { .. } => "log.halted",
            Self::Invalid(_) => "log.invalid-request",
            Self::Corrupt(_) => "log.corrupt",
        }
    }
}

fn revision_text(revision: Option<u64>) -> String {
    revision.map_or_else(|| "none (it has no events)".to_owned(), |revision| revision.to_string())
}
