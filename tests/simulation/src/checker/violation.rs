//! What was promised and not kept, in words.

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Violation {
    #[error("attempt {attempt} on {stream} was answered 'done', and its events are not in the log")]
    Lost { attempt: usize, stream: String },
    #[error(
        "attempt {attempt} on {stream} was answered with revision {told:?} at {told_at}, and its last event has {found} at {found_at}"
    )]
    WrongPlace {
        attempt: usize,
        stream: String,
        told: Option<u64>,
        told_at: String,
        found: u64,
        found_at: String,
    },
    #[error(
        "attempt {attempt} on {stream} was answered 'done' outside of the time between its start and its end: offset {offset} is not in {began}..{ended}"
    )]
    OutOfTime {
        attempt: usize,
        stream: String,
        offset: u64,
        began: u64,
        ended: u64,
    },
    #[error("command {command} happened twice on {stream}: at offsets {first} and {second}")]
    Doubled {
        command: String,
        stream: String,
        first: u64,
        second: u64,
    },
    #[error(
        "{stream} goes on with revision {found} at offset {offset}, where {expected} comes next: the commit was decided on another history"
    )]
    RevisionGap {
        stream: String,
        offset: u64,
        expected: u64,
        found: u64,
    },
    #[error(
        "the accepted commit at offset {offset} of {stream} holds what its commands do not cause on the history before: {what}"
    )]
    DecidedOnAnotherHistory { stream: String, offset: u64, what: String },
    #[error("attempt {attempt} on {stream} was answered {answer}, and its events are in the log at offset {offset}")]
    HappenedAllTheSame {
        attempt: usize,
        stream: String,
        answer: String,
        offset: u64,
    },
    #[error(
        "attempt {attempt} on {stream} was answered {answer}, which was true at no moment between its start (length {began}) and its end (length {ended})"
    )]
    Untrue {
        attempt: usize,
        stream: String,
        answer: String,
        began: u64,
        ended: u64,
    },
    #[error("attempt {attempt} on {stream} was answered {answer}: {what}")]
    NotFinal {
        attempt: usize,
        stream: String,
        answer: String,
        what: String,
    },
    #[error("the answer recorded at offset {offset} of {stream} was not true there: {answer}")]
    RecordedUntrue {
        stream: String,
        offset: u64,
        answer: String,
    },
    #[error("{reader} tells another history than the log: {what}")]
    ReaderDiffers { reader: String, what: String },
    #[error("a fence that was answered {answer} is {found}")]
    FenceDiffers { answer: String, found: String },
    #[error("long after the last fault the log or the journal still moves, or the journal is behind")]
    NotQuiet,
    #[error("long after the last fault this command still has no final answer: {command}")]
    NoFinalAnswer { command: String },
    #[error("a defect{}: {what}", attempt.map_or_else(String::new, |attempt| format!(" at attempt {attempt}")))]
    Defect { attempt: Option<usize>, what: String },
}
