//! A node: the product's store and command handling behind a gate. It can be held, and crash, and start again with nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use command_api::handling::{Answer, CommandHandler, Rejection, Surroundings};
use domain::conversation::Conversation;
use domain::task::Task;
use event_store::Randomness;
use event_store::log_store::{LogStore, LogStoreOptions};
use event_store::simulator::Gate;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{World, lock};
use crate::checker::Violation;
use crate::coverage::Case;
use crate::history::Command;
use crate::order::Order;
use crate::random::derived_seed;

/// Where a node runs or is down.
#[derive(Default)]
pub(super) struct NodePlace {
    lives: AtomicUsize,
    running: Mutex<Option<Arc<Node>>>,
}

/// A running node.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) gate: Gate,
    pub(super) store: Arc<LogStore>,
    conversations: CommandHandler<Conversation>,
    tasks: CommandHandler<Task>,
    /// Its clients notice that the connection broke.
    pub(super) crashed: CancellationToken,
}

impl World {
    /// The node in a place, unless it is down.
    pub(super) fn node(&self, index: usize) -> Option<Arc<Node>> {
        lock(&self.nodes[index].running).clone()
    }

    /// Starts a node in a place where none runs.
    pub(super) async fn start_node(&self, index: usize) {
        let life = self.nodes[index].lives.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("node {index}.{life}");
        match self.new_node(name).await {
            Ok(node) => {
                self.trace.say(|| format!("{} starts", node.name));
                *lock(&self.nodes[index].running) = Some(Arc::new(node));
            }
            Err(violation) => lock(&self.violations).push(violation),
        }
    }

    pub(super) async fn new_node(&self, name: String) -> Result<Node, Violation> {
        let gate = self.gate(&name);
        let log = gate.log(Arc::new(self.log.clone()));
        let options = LogStoreOptions {
            author: name.clone(),
            ..self.plan.store.clone()
        };
        let started = LogStore::start(
            Arc::clone(&log),
            gate.journal(Arc::new(self.journal.clone())),
            &self.pin,
            options,
        );
        let started = started.await.map_err(|error| Violation::Defect {
            attempt: None,
            what: format!("{name} did not start: {error}"),
        })?;
        let randomness = Arc::new(Randomness::seeded(derived_seed(
            self.plan.seed,
            &format!("chance of {name}"),
        )));
        let store = Arc::new(started.with_randomness(Arc::clone(&randomness)));
        let served = self.product.store(Arc::clone(&store), log);
        let surroundings = Surroundings {
            randomness,
            ..Surroundings::default()
        };
        let handling = &self.plan.handling;
        Ok(Node {
            conversations: CommandHandler::within(Arc::clone(&served), surroundings.clone(), handling.clone()),
            tasks: CommandHandler::within(served, surroundings, handling.clone()),
            name,
            gate,
            store,
            crashed: CancellationToken::new(),
        })
    }

    /// The node in a place stops existing, in the middle of whatever it does. True when one ran.
    pub(super) fn crash_node(&self, index: usize) -> bool {
        let Some(node) = lock(&self.nodes[index].running).take() else {
            return false;
        };
        self.trace.say(|| format!("{} crashes", node.name));
        self.met(Case::Crashed);
        if node.gate.counts().appends_under_way > 0 {
            self.met(Case::CrashedInFlight);
        }
        node.gate.cut();
        node.crashed.cancel();
        true
    }
}

impl Node {
    /// Gives it a command. It is queued at the call.
    pub(super) fn submit(
        &self,
        number: usize,
        command: &Command,
        at: DateTime<Utc>,
    ) -> BoxFuture<'static, Result<Answer, Rejection>> {
        match &command.order {
            Order::Conversation(order) => {
                let submission = command.submission(number, at, order.clone());
                self.conversations.submit(submission).boxed()
            }
            Order::Task(order) => {
                let submission = command.submission(number, at, order.clone());
                self.tasks.submit(submission).boxed()
            }
        }
    }
}
