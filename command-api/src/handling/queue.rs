//! What waits, stream by stream, in the order of arrival.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::Aggregate;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::forwarding;
use super::outcome::{Answer, Certainty, Rejection};
use super::{HandlingOptions, Submission};
use crate::metrics;

/// A command that waits for its answer.
pub(super) struct Waiting<A: Aggregate> {
    pub(super) submission: Submission<A::Command>,
    pub(super) sender: oneshot::Sender<Result<Answer, Rejection>>,
    pub(super) since: Instant,
    /// Another node has handed it over.
    pub(super) was_forwarded: bool,
    /// It was handed over to another node, which did not answer and may still work on it.
    pub(super) may_be_elsewhere: bool,
}

impl<A: Aggregate> Waiting<A> {
    /// Gives the answer; a client that went away is no error.
    pub(super) fn answer(self, answer: Result<Answer, Rejection>) {
        let answer = if self.may_be_elsewhere {
            forwarding::undeniable(answer)
        } else {
            answer
        };
        let outcome = match &answer {
            Ok(answer) => answer.effect.label(),
            Err(rejection) => rejection.label(),
        };
        metrics::command_answered(A::CATEGORY, outcome, self.since.elapsed());
        let _gone = self.sender.send(answer);
    }
}

/// A stream has an entry as long as something waits or a worker is busy with it.
pub(super) struct Queues<A: Aggregate> {
    limit: usize,
    inner: Mutex<Inner<A>>,
}

struct Inner<A: Aggregate> {
    waiting: usize,
    streams: HashMap<Uuid, VecDeque<Waiting<A>>>,
}

impl<A: Aggregate> Queues<A> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            inner: Mutex::new(Inner {
                waiting: 0,
                streams: HashMap::new(),
            }),
        }
    }

    /// Adds a command at the end of its stream's queue. True when the stream was idle: a worker is to be started.
    pub(super) fn push(&self, waiting: Waiting<A>) -> Result<bool, Rejection> {
        let mut inner = self.lock();
        if inner.waiting >= self.limit {
            drop(inner);
            let rejection = Rejection::Unavailable {
                certainty: Certainty::NotApplied,
                code: "command.queue-full",
                reason: format!("{} commands are waiting, which is the limit", self.limit),
            };
            waiting.answer(Err(rejection.clone()));
            return Err(rejection);
        }
        inner.waiting += 1;
        let mut was_idle = false;
        inner
            .streams
            .entry(waiting.submission.id)
            .or_insert_with(|| {
                was_idle = true;
                VecDeque::new()
            })
            .push_back(waiting);
        Ok(was_idle)
    }

    /// Takes the next batch, or marks the stream as idle when nothing waits.
    pub(super) fn take(&self, id: Uuid, options: &HandlingOptions) -> Option<Vec<Waiting<A>>> {
        let mut inner = self.lock();
        let queue = inner.streams.get_mut(&id)?;
        let count = batch_length(queue, options);
        if count == 0 {
            inner.streams.remove(&id);
            return None;
        }
        let batch: Vec<_> = queue.drain(..count).collect();
        inner.waiting -= count;
        Some(batch)
    }

    /// Puts the end of a batch back to the front of its queue.
    pub(super) fn put_back(&self, id: Uuid, rest: Vec<Waiting<A>>) {
        let mut inner = self.lock();
        inner.waiting += rest.len();
        let queue = inner.streams.entry(id).or_default();
        rest.into_iter().rev().for_each(|waiting| queue.push_front(waiting));
    }

    /// Drops a queue whose worker ended early; its clients are told that the outcome is unknown.
    pub(super) fn abandon(&self, id: Uuid) {
        let mut inner = self.lock();
        if let Some(queue) = inner.streams.remove(&id) {
            inner.waiting -= queue.len();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<A>> {
        // No code that can panic runs under the lock, so a poisoned one still holds a sound queue.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn batch_length<A: Aggregate>(queue: &VecDeque<Waiting<A>>, options: &HandlingOptions) -> usize {
    let mut bytes = 0_usize;
    let fitting = queue
        .iter()
        .take(options.batch_commands)
        .take_while(|waiting| {
            bytes = bytes.saturating_add(waiting.submission.bytes);
            bytes <= options.batch_bytes
        })
        .count();
    // The first command goes even when it alone passes the bound.
    fitting.max(1).min(queue.len())
}
