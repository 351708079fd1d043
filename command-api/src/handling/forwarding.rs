//! Giving commands to the node that writes their stream.
//!
//! Two nodes that write one stream at the same time make each other's commits void. The one that has lost twice gives its queue to the winner.
//! Nothing depends on that: a command means the same wherever it is decided, and one that comes back unanswered is decided here.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Aggregate, StreamId};
use event_store::{CommandStamp, LogPosition, StreamState};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::{Answer, Certainty, Effect, Refused, Rejection};
use super::queue::Waiting;
use super::{CommandHandler, Shared, Submission};
use crate::metrics;

/// The way to other nodes.
#[async_trait]
pub trait Forwarder: Send + Sync + 'static {
    /// Gives a batch for streams of this category to the [`CommandHandler::take_forwarded`] of the node at this address.
    async fn forward(&self, node: &str, category: &'static str, batch: Vec<u8>) -> Forwarding;
}

/// How a batch fared on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forwarding {
    /// The node has not got it, or will not take it.
    NotTaken,
    /// The node may have it, and may still work on it.
    Unanswered,
    /// What the node answered.
    Answered(Vec<u8>),
}

/// Gives the batch to the node that has won the stream, and returns what is still to be decided here: all of it when there is no such node, or
/// when it does not answer. Then its copy may still take effect, and no answer from here may deny that.
pub(super) async fn hand_over<A: Aggregate>(
    shared: &Shared<A>,
    stream: &StreamId,
    mut batch: Vec<Waiting<A>>,
) -> Vec<Waiting<A>> {
    let Some(forwarder) = &shared.surroundings.forwarder else {
        return batch;
    };
    // Two nodes that each take the other for the winner must not send commands to and fro.
    if batch.iter().any(|waiting| waiting.was_forwarded) {
        return batch;
    }
    let Some(winner) = shared.store.other_author(stream) else {
        return batch;
    };
    let Some(encoded) = encode(&batch) else {
        return batch;
    };
    let fared = forwarder.forward(&winner, A::CATEGORY, encoded).await;
    let answers = match &fared {
        Forwarding::Answered(answers) => decode(answers, batch.len()),
        Forwarding::NotTaken | Forwarding::Unanswered => None,
    };
    let outcome = if answers.is_some() { "answered" } else { "unanswered" };
    metrics::forwarded(A::CATEGORY, outcome, batch.len());
    let Some(answers) = answers else {
        if fared != Forwarding::NotTaken {
            for waiting in &mut batch {
                waiting.may_be_elsewhere = true;
            }
        }
        return batch;
    };
    let mut open = Vec::new();
    for (mut waiting, outcome) in batch.into_iter().zip(answers) {
        let may_be_applied = matches!(outcome, Outcome::Open { may_be_applied: true });
        if let Some(answer) = outcome.into_answer() {
            waiting.answer(answer);
        } else {
            waiting.may_be_elsewhere = may_be_applied;
            open.push(waiting);
        }
    }
    open
}

/// An answer to a command of which another node may still have a copy: what is done is done, whoever did it, but a "no" from here is none.
pub(super) fn undeniable(answer: Result<Answer, Rejection>) -> Result<Answer, Rejection> {
    let unknown = |code, reason| {
        Err(Rejection::Unavailable {
            certainty: Certainty::Unknown,
            code,
            reason,
        })
    };
    match answer {
        Ok(Answer {
            effect: Effect::NothingToDo,
            is_final: false,
            ..
        })
        | Err(Rejection::Refused(Refused { is_final: false, .. }) | Rejection::Conflict { is_final: false, .. }) => {
            unknown(
                "command.handed-over",
                "another node may still be working on the command".to_owned(),
            )
        }
        Err(Rejection::Unavailable { code, reason, .. } | Rejection::Failed { code, reason }) => unknown(code, reason),
        certain => certain,
    }
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
    #[serde(rename_all = "camelCase")]
    Open {
        /// It may have been applied, or may yet be.
        may_be_applied: bool,
    },
}

impl<A: Aggregate> CommandHandler<A> {
    /// Takes a batch from another node, as its [`Forwarder`] brought it, and answers it. What cannot be read is an error.
    pub async fn take_forwarded(&self, batch: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let batch: Vec<Forwarded<A::Command>> = serde_json::from_slice(batch)?;
        // All are queued before the first is waited for, so that they go into one commit, in their order.
        let tickets: Vec<_> = batch
            .into_iter()
            .map(|forwarded| self.submit_from(forwarded.into_submission(), true))
            .collect();
        let mut outcomes = Vec::with_capacity(tickets.len());
        for ticket in tickets {
            outcomes.push(Outcome::of(ticket.await));
        }
        serde_json::to_vec(&outcomes)
    }
}

/// A batch for [`Forwarder::forward`].
fn encode<A: Aggregate>(batch: &[Waiting<A>]) -> Option<Vec<u8>> {
    let batch: Vec<_> = batch.iter().map(|waiting| Forwarded::of(&waiting.submission)).collect();
    serde_json::to_vec(&batch).ok()
}

/// The outcomes of a batch of so many commands; nothing when they cannot be read.
fn decode(answers: &[u8], count: usize) -> Option<Vec<Outcome>> {
    let outcomes: Vec<Outcome> = serde_json::from_slice(answers).ok()?;
    (outcomes.len() == count).then_some(outcomes)
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
            Err(Rejection::Unavailable { certainty, .. }) => Self::Open {
                may_be_applied: certainty == Certainty::Unknown,
            },
            Err(Rejection::Failed { .. }) => Self::Open { may_be_applied: false },
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
            Self::Open { .. } => None,
        }
    }
}
