//! The state behind all routes, and the way of a prepared command into the log.

use std::sync::Arc;

use domain::conversation::Conversation;
use domain::quota::Quota;
use domain::task::Task;
use domain::{Actor, Aggregate};
use event_store::snapshot::Snapshots;
use event_store::{EventStore, LogPosition, PositionToken};
use platform::rate_limit::{RateLimiter, RetryAfter};
use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use uuid::Uuid;

use crate::forwarder::HttpForwarder;
use crate::handling::{Answer, CommandHandler, Rejection, Surroundings};
use crate::options::CommandApiOptions;
use crate::order::{Prepared, TypedSubmission};

/// The command side of one node; cheap to clone.
#[derive(Clone)]
pub struct CommandApi {
    shared: Arc<Shared>,
    shutdown: Shutdown,
}

struct Shared {
    store: Arc<dyn EventStore>,
    conversations: CommandHandler<Conversation>,
    tasks: CommandHandler<Task>,
    quotas: CommandHandler<Quota>,
    signing_key: SigningKey,
    limiter: RateLimiter,
    options: CommandApiOptions,
}

impl CommandApi {
    /// Takes commands into a store, from holders of tokens that this key signed.
    pub fn new(
        store: Arc<dyn EventStore>,
        snapshots: Arc<dyn Snapshots>,
        options: CommandApiOptions,
        signing_key: SigningKey,
    ) -> Self {
        let surroundings = Surroundings {
            snapshots: Some(snapshots),
            forwarder: Some(Arc::new(HttpForwarder::new(signing_key.clone()))),
            ..Surroundings::default()
        };
        let shared = Shared {
            conversations: handler(&store, &surroundings, &options),
            tasks: handler(&store, &surroundings, &options),
            quotas: handler(&store, &surroundings, &options),
            limiter: RateLimiter::new(options.rate_per_second, options.rate_burst),
            store,
            signing_key,
            options,
        };
        Self {
            shared: Arc::new(shared),
            shutdown: Shutdown::new(),
        }
    }

    /// At shutdown, bulk requests read no further line, answer what they have begun, and end.
    #[must_use]
    pub fn stopping_with(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    pub(crate) fn tasks(&self) -> &CommandHandler<Task> {
        &self.shared.tasks
    }

    pub(crate) fn conversations(&self) -> &CommandHandler<Conversation> {
        &self.shared.conversations
    }

    pub(crate) fn quotas(&self) -> &CommandHandler<Quota> {
        &self.shared.quotas
    }

    pub(crate) fn options(&self) -> &CommandApiOptions {
        &self.shared.options
    }

    pub(crate) fn signing_key(&self) -> &SigningKey {
        &self.shared.signing_key
    }

    pub(crate) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Counts one command against the rate of its principal.
    pub(crate) fn check_rate(&self, actor: Actor) -> Result<(), RetryAfter> {
        if self.shared.options.rate_exempt_roles.contains(&actor.role) {
            return Ok(());
        }
        self.shared.limiter.check(&actor.id.to_string())
    }

    /// Decides and appends.
    pub(crate) async fn execute(&self, prepared: Prepared) -> Result<Answer, Rejection> {
        let needs_quota = prepared.needs_quota();
        match prepared.submission {
            TypedSubmission::Conversation(submission) => self.conversations().handle(submission).await,
            TypedSubmission::Task(submission) if needs_quota => self.start_within_quota(submission).await,
            TypedSubmission::Task(submission) => self.tasks().handle(submission).await,
        }
    }

    /// What a read must cover to show the answer, besides what the client asked to be merged in.
    pub(crate) fn position(
        &self,
        category: &'static str,
        id: Uuid,
        at: Option<LogPosition>,
        earlier: Option<&PositionToken>,
    ) -> String {
        let cut = at.into_iter().map(|at| (at.partition, at.offset + 1)).collect();
        let stream = Some(domain::StreamId::of(category, id));
        let token = PositionToken {
            epoch: self.shared.store.epoch(),
            cut,
            stream,
        };
        earlier.map_or_else(|| token.encode(), |earlier| token.clone().merged(earlier).encode())
    }
}

fn handler<A: Aggregate>(
    store: &Arc<dyn EventStore>,
    surroundings: &Surroundings,
    options: &CommandApiOptions,
) -> CommandHandler<A> {
    CommandHandler::within(Arc::clone(store), surroundings.clone(), options.handling.clone())
}
