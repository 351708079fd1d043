//! What the clients did and heard. The checker has this and the log, and nothing else from inside the nodes.

use chrono::{DateTime, Utc};
use command_api::handling::{Answer, Rejection, Submission};
use domain::{Actor, CommandId, Context};
use event_store::codec::FenceTarget;
use event_store::{CommandStamp, StoreError, StreamState};
use uuid::Uuid;

use crate::order::{Order, Target};

/// A command that a client wants done. Repeated attempts are of the same command.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) target: Target,
    pub(crate) order: Order,
    pub(crate) actor: Actor,
    pub(crate) command_id: CommandId,
    pub(crate) hash: u128,
    pub(crate) expected: StreamState,
    pub(crate) bytes: usize,
}

impl Command {
    /// The name under which it is remembered in its stream.
    pub(crate) fn scoped(&self) -> Uuid {
        self.command_id.scoped(self.actor.id)
    }

    /// As an attempt at it goes to a handler. The correlation id names the attempt, so that the log tells whose events it holds.
    pub(crate) fn submission<C>(&self, number: usize, at: DateTime<Utc>, command: C) -> Submission<C> {
        Submission {
            id: self.target.id,
            command,
            stamp: CommandStamp {
                command_id: self.command_id.clone(),
                command_hash: self.hash,
                actor: self.actor.id,
                role: self.actor.role,
                correlation_id: correlation(number),
                causation_id: None,
                traceparent: None,
                provenance: None,
            },
            at,
            expected: self.expected,
            bytes: self.bytes,
        }
    }
}

/// The correlation id of an attempt.
pub(crate) fn correlation(attempt: usize) -> String {
    format!("attempt-{attempt}")
}

/// The attempt of a correlation id.
pub(crate) fn attempt_of(correlation: &str) -> Option<usize> {
    correlation.strip_prefix("attempt-")?.parse().ok()
}

/// One command sent to one node once.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) command: Command,
    /// When the edge stamped it.
    pub(crate) at: DateTime<Utc>,
    /// Length of the partition when it was sent: everything that was accepted before lies below.
    pub(crate) began: u64,
    pub(crate) ended: Option<Ended>,
}

impl Attempt {
    pub(crate) fn context(&self) -> Context {
        Context {
            actor: self.command.actor,
            at: self.at,
            imported: false,
        }
    }
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    /// Length of the partition when the client heard it.
    pub(crate) length: u64,
    /// The node may have been told that the partition ended here: by a leader that had been deposed.
    pub(crate) stale_end: Option<u64>,
    pub(crate) heard: Heard,
}

/// What the client heard.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    Answer(Result<Answer, Rejection>),
    /// It stopped waiting, or the node died.
    Nothing,
}

/// A fence that somebody wanted to place.
#[derive(Debug, Clone)]
pub(crate) struct FenceAttempt {
    pub(crate) id: Uuid,
    pub(crate) partition: u32,
    pub(crate) target: FenceTarget,
    /// None: no answer came.
    pub(crate) answer: Option<Result<Option<u64>, StoreError>>,
}

/// Everything that the clients did and heard.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// In the order in which they were sent.
    pub(crate) attempts: Vec<Attempt>,
    /// Numbers of attempts in the order in which they ended.
    pub(crate) order_of_ends: Vec<usize>,
    pub(crate) fences: Vec<FenceAttempt>,
    /// Commands, without repetitions.
    pub(crate) commands: u64,
    /// Commands that never got a final answer although their client went on asking, by their first attempt or a description.
    pub(crate) unanswered: Vec<String>,
}
