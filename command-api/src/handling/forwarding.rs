//! Giving commands to the node that writes their stream.
//!
//! Two nodes that write one stream at the same time make each other's commits void. The one that has lost twice gives its queue to the winner.
//! Nothing depends on that: a command means the same wherever it is decided, and one that comes back unanswered is decided here.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Aggregate;
use event_store::{CommandStamp, LogPosition, StreamState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::{Answer, Effect, Refused, Rejection};
use super::queue::Waiting;
use super::{CommandHandler, Submission};

/// The way to other nodes.
#[async_trait]
pub trait Forwarder: Send + Sync + 'static {
    /// Gives a batch for streams of this category to the node at this address and returns what its [`CommandHandler::take_forwarded`]
    /// answered; nothing when it did not answer in time, or not well.
    async fn forward(&self, node: &str, category: &'static str, batch: Vec<u8>) -> Option<Vec<u8>>;
}

/// A command on its way.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Forwarded<C> {
    id: Uuid,
    command: C,
    stamp: CommandStamp,
    at: DateTime<Utc>,
    expected: StreamState,
    bytes: usize,
}

/// What became of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Outcome {
    Taken {
        effect: Effect,
        revision: Option<u64>,
        at: Option<LogPosition>,
        is_final: bool,
    },
    Refused {
        refused: Refused,
        is_final: bool,
    },
    Conflict {
        current: Option<u64>,
        is_final: bool,
    },
    KeyReused,
    TooLarge {
        bytes: usize,
        limit: usize,
    },
    /// Not answered for certain; the node that was asked first decides.
    Open,
}

impl<A: Aggregate> CommandHandler<A> {
    /// Takes a batch from another node, as its [`Forwarder`] brought it, and answers it. What cannot be read is an error.
    pub async fn take_forwarded(&self, batch: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let batch: Vec<Forwarded<A::Command>> = serde_json::from_slice(batch)?;
        // All are queued before the first is waited for, so that they go into one commit, in their order.
        let tickets: Vec<_> = batch
            .into_iter()
            .map(|forwarded| self.submit_forwarded(forwarded.into_submission()))
            .collect();
        let mut outcomes = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            outcomes.push(Outcome::of(ticket.await));
        }
        serde_json::to_vec(&outcomes)
    }
}

/// A batch for [`Forwarder::forward`].
pub(super) fn encode<A: Aggregate>(batch: &[Waiting<A>]) -> Option<Vec<u8>> {
    let batch: Vec<_> = batch.iter().map(|waiting| Forwarded::of(&waiting.submission)).collect();
    serde_json::to_vec(&batch).ok()
}

/// The answers to a batch of so many commands, each one or nothing; nothing at all when they cannot be read.
pub(super) fn decode(answers: &[u8], count: usize) -> Option<Vec<Option<Result<Answer, Rejection>>>> {
    let outcomes: Vec<Outcome> = serde_json::from_slice(answers).ok()?;
    (outcomes.len() == count).then(|| outcomes.into_iter().map(Outcome::into_answer).collect())
}

impl<C: Clone> Forwarded<C> {
    fn of(submission: &Submission<C>) -> Self {
        Self {
            id: submission.id,
            command: submission.command.clone(),
            stamp: submission.stamp.clone(),
            at: submission.at,
            expected: submission.expected,
            bytes: submission.bytes,
        }
    }

    fn into_submission(self) -> Submission<C> {
        Submission {
            id: self.id,
            command: self.command,
            stamp: self.stamp,
            at: self.at,
            expected: self.expected,
            bytes: self.bytes,
        }
    }
}

impl Outcome {
    fn of(answered: Result<Answer, Rejection>) -> Self {
        match answered {
            Ok(Answer {
                effect,
                revision,
                at,
                is_final,
            }) => Self::Taken {
                effect,
                revision,
                at,
                is_final,
            },
            Err(Rejection::Refused(refused)) => Self::Refused {
                is_final: refused.is_final,
                refused,
            },
            Err(Rejection::Conflict { current, is_final }) => Self::Conflict { current, is_final },
            Err(Rejection::KeyReused) => Self::KeyReused,
            Err(Rejection::TooLarge { bytes, limit }) => Self::TooLarge { bytes, limit },
            Err(Rejection::Unavailable { .. } | Rejection::Failed { .. }) => Self::Open,
        }
    }

    fn into_answer(self) -> Option<Result<Answer, Rejection>> {
        match self {
            Self::Taken {
                effect,
                revision,
                at,
                is_final,
            } => Some(Ok(Answer {
                effect,
                revision,
                at,
                is_final,
            })),
            Self::Refused { refused, is_final } => Some(Err(Rejection::Refused(Refused { is_final, ..refused }))),
            Self::Conflict { current, is_final } => Some(Err(Rejection::Conflict { current, is_final })),
            Self::KeyReused => Some(Err(Rejection::KeyReused)),
            Self::TooLarge { bytes, limit } => Some(Err(Rejection::TooLarge { bytes, limit })),
            Self::Open => None,
        }
    }
}
