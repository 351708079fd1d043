//! Negative answers that are final: recorded in the log, and repeated to whoever sends the command again.

use domain::RefusalKind;
use event_store::RecordedRejection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decision::Verdict;
use super::outcome::{Answer, Effect, Refused, Rejection};

/// The answer as it stands in the log; its JSON must stay readable for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(super) enum Negative {
    /// A rule of the aggregate.
    Refused(Refused),
    /// The stream was not at the expected revision, but at this one.
    Conflict { current: Option<u64> },
    /// The state was as wanted, at this revision.
    NothingToDo { revision: Option<u64> },
}

/// A recorded answer, and the content that it was given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownRejection {
    pub(super) hash: u128,
    pub(super) answer: Negative,
}

impl Negative {
    /// What is to be recorded of a verdict. A limit is none: it says "later", and the same command may be sent again then.
    pub(super) fn of(verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::Rejected(Rejection::Refused(refused)) if refused.kind != RefusalKind::Limited => {
                Some(Self::Refused(refused.clone()))
            }
            Verdict::Rejected(Rejection::Conflict { current, .. }) => Some(Self::Conflict { current: *current }),
            Verdict::Nothing { revision } => Some(Self::NothingToDo { revision: *revision }),
            _ => None,
        }
    }

    /// The answer, said to be final.
    pub(super) fn into_answer(self, last: Option<event_store::LogPosition>) -> Result<Answer, Rejection> {
        match self {
            Self::Refused(refused) => Err(Rejection::Refused(Refused {
                is_final: true,
                ..refused
            })),
            Self::Conflict { current } => Err(Rejection::Conflict {
                current,
                is_final: true,
            }),
            Self::NothingToDo { revision } => Ok(Answer {
                effect: Effect::NothingToDo,
                revision,
                at: last,
                is_final: true,
            }),
        }
    }
}

impl KnownRejection {
    /// For the log.
    pub(super) fn to_record(&self, command: Uuid) -> Result<RecordedRejection, Rejection> {
        Ok(RecordedRejection {
            command,
            command_hash: self.hash,
            answer: serde_json::to_value(&self.answer).map_err(|error| unreadable(command, &error))?,
        })
    }

    /// From the log.
    pub(super) fn read(recorded: &RecordedRejection) -> Result<Self, Rejection> {
        Ok(Self {
            hash: recorded.command_hash,
            answer: Negative::deserialize(&recorded.answer).map_err(|error| unreadable(recorded.command, &error))?,
        })
    }
}

fn unreadable(command: Uuid, error: &serde_json::Error) -> Rejection {
    Rejection::Failed {
        code: "log.corrupt",
        reason: format!("the recorded answer to command {command}: {error}"),
    }
}
