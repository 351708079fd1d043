//! Command handling without HTTP: one queue a stream, one worker a queue, one commit a batch.
//!
//! [`CommandHandler::submit`] puts a command into the queue of its stream at the call, so the caller's order is the
//! order of the log. The stream's worker takes what waits, brings the state up to date, decides each command on top
//! of the ones before, and appends all their events as one commit; what arrives meanwhile waits for the next.
//! Different streams run side by side.
//!
//! What is answered is proven. Done: the log accepted the commit. Refused, nothing to do, conflict and already done:
//! either the commit that they were decided on top of was accepted, or [`EventStore::confirm`] said that the state is
//! the newest. With [`HandlingOptions::strict_rejections`] negative answers are recorded in the log instead, and final.

mod cache;
mod decision;
mod forwarding;
mod loading;
mod negative;
mod outcome;
mod peek;
mod queue;
mod snapshotting;
mod worker;

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use domain::{Aggregate, Context, StreamId};
use event_store::snapshot::Snapshots;
use event_store::{CommandStamp, EventStore, Randomness, StreamState};
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

pub use forwarding::{Forwarder, Forwarding};
pub use outcome::{Answer, Certainty, Effect, Refused, Rejection};
pub use peek::Preview;

use cache::StateCache;
use queue::{Queues, Waiting};
use worker::Worker;

/// A command on its way to a decision.
#[derive(Debug, Clone)]
pub struct Submission<C> {
    /// Which aggregate: the id part of its stream.
    pub id: Uuid,
    /// What is wanted.
    pub command: C,
    /// By whom, under which command id, with which content.
    pub stamp: CommandStamp,
    /// When: stamped at the edge, or taken from an imported row.
    pub at: DateTime<Utc>,
    /// The state that the client saw, when it named one.
    pub expected: StreamState,
    /// Size of the command as it was sent; bounds a batch.
    pub bytes: usize,
}

impl<C> Submission<C> {
    /// What a decision may know besides state and command.
    pub fn context(&self) -> Context {
        Context {
            actor: domain::Actor {
                id: self.stamp.actor,
                role: self.stamp.role,
            },
            at: self.at,
            imported: self.stamp.provenance.is_some(),
        }
    }
}

/// Bounds of command handling; each aggregate has its own queues and cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandlingOptions {
    /// Commands that may wait in all queues together; more are refused as not applied.
    pub queued_commands: usize,
    /// Streams that are worked on at the same time.
    pub streams_at_once: usize,
    /// Commands in one commit.
    pub batch_commands: usize,
    /// Bytes of commands in one commit; one command may be larger than that.
    pub batch_bytes: usize,
    /// Bytes of cached states.
    pub cache_bytes: u64,
    /// A load that had to fold so many events leaves a snapshot behind, where snapshots are kept.
    pub snapshot_events: usize,
    /// Negative answers ("no", "nothing to do", "conflict") are recorded in the log and final: no attempt at the command, sent before or
    /// after, takes effect any more. Each costs a record. Without it a negative answer binds the attempt that it answers.
    pub strict_rejections: bool,
}

impl Default for HandlingOptions {
    fn default() -> Self {
        Self {
            queued_commands: 16_384,
            streams_at_once: 512,
            batch_commands: 256,
            batch_bytes: 512 * 1024,
            cache_bytes: 16 * 1024 * 1024,
            snapshot_events: 500,
            strict_rejections: false,
        }
    }
}

/// What command handling may use and can do without.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// States of long streams.
    pub snapshots: Option<Arc<dyn Snapshots>>,
    /// The way to other nodes.
    pub forwarder: Option<Arc<dyn Forwarder>>,
    /// Where ids and rests come from; unlike the others it is always there.
    pub randomness: Arc<Randomness>,
}

/// Takes the commands of one sort of aggregate; cheap to clone.
pub struct CommandHandler<A: Aggregate> {
    shared: Arc<Shared<A>>,
}

impl<A: Aggregate> Clone for CommandHandler<A> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

struct Shared<A: Aggregate> {
    store: Arc<dyn EventStore>,
    surroundings: Surroundings,
    options: HandlingOptions,
    queues: Queues<A>,
    cache: StateCache<A>,
    permits: Arc<Semaphore>,
}

/// The answer to come; dropping it does not stop the command.
#[derive(Debug)]
pub struct Ticket {
    answer: oneshot::Receiver<Result<Answer, Rejection>>,
}

impl Ticket {
    /// Waits for the answer.
    pub async fn answer(&mut self) -> Result<Answer, Rejection> {
        // The sender is dropped unanswered only when the worker's task dies with the runtime, perhaps within an append.
        (&mut self.answer)
            .await
            .unwrap_or_else(|_| Err(Rejection::interrupted()))
    }
}

/// A stream whose worker is to be started; see [`CommandHandler::enqueue`].
#[derive(Debug)]
#[must_use = "commands of the stream wait until it is started"]
pub struct IdleStream(Uuid);

impl<A: Aggregate> CommandHandler<A> {
    /// A handler over a store; must be used within a tokio runtime.
    pub fn new(store: Arc<dyn EventStore>, options: HandlingOptions) -> Self {
        Self::within(store, Surroundings::default(), options)
    }

    /// The same, with what makes it faster among others.
    pub fn within(store: Arc<dyn EventStore>, surroundings: Surroundings, options: HandlingOptions) -> Self {
        let shared = Shared {
            queues: Queues::new(options.queued_commands),
            cache: StateCache::new(options.cache_bytes),
            permits: Arc::new(Semaphore::new(options.streams_at_once.clamp(1, Semaphore::MAX_PERMITS))),
            store,
            surroundings,
            options,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Queues a command now, before the returned future is polled, and answers it.
    pub fn submit(
        &self,
        submission: Submission<A::Command>,
    ) -> impl Future<Output = Result<Answer, Rejection>> + Send + use<A> {
        self.submit_from(submission, false)
    }

    /// A command that another node has handed over is not handed on.
    fn submit_from(
        &self,
        submission: Submission<A::Command>,
        was_forwarded: bool,
    ) -> impl Future<Output = Result<Answer, Rejection>> + Send + use<A> {
        let queued = self.queue(submission, was_forwarded).map(|(ticket, idle)| {
            if let Some(stream) = idle {
                self.start(stream);
            }
            ticket
        });
        async move { queued?.answer().await }
    }

    /// [`Self::submit`] for callers that wait at once.
    pub async fn handle(&self, submission: Submission<A::Command>) -> Result<Answer, Rejection> {
        self.submit(submission).await
    }

    /// Queues a command without starting its stream, so that a bulk client can fill many queues first and each stream
    /// goes out in as few commits as possible. The caller starts what it is handed.
    pub fn enqueue(&self, submission: Submission<A::Command>) -> Result<(Ticket, Option<IdleStream>), Rejection> {
        self.queue(submission, false)
    }

    fn queue(
        &self,
        submission: Submission<A::Command>,
        was_forwarded: bool,
    ) -> Result<(Ticket, Option<IdleStream>), Rejection> {
        let id = submission.id;
        let (sender, answer) = oneshot::channel();
        let was_idle = self.shared.queues.push(Waiting {
            submission,
            sender,
            since: Instant::now(),
            was_forwarded,
            may_be_elsewhere: false,
        })?;
        Ok((Ticket { answer }, was_idle.then_some(IdleStream(id))))
    }

    /// Starts the worker of a stream.
    #[expect(clippy::needless_pass_by_value, reason = "used up: an idle stream is started once")]
    pub fn start(&self, stream: IdleStream) {
        let worker = Worker::new(Arc::clone(&self.shared), stream.0);
        tokio::spawn(worker.run());
    }

    /// The stream of an aggregate of this sort.
    pub fn stream(id: Uuid) -> StreamId {
        StreamId::of(A::CATEGORY, id)
    }
}
