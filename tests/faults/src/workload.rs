//! Clients at work: conflicting commands on a few hot streams and many cold ones, repeated with the same key until they are answered.

mod board;
mod caller;
mod order;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::attempt::{Attempt, Outcome};
use crate::cluster::Tokens;
use board::Board;
use caller::{Caller, Callers};
use order::Order;

/// What clients do between two commands, in milliseconds.
const PAUSE: std::ops::Range<u64> = 10..90;
/// Until a client asks again, in milliseconds.
const BACKOFF: std::ops::Range<u64> = 50..500;
/// How long a client waits for an answer, in milliseconds; the last is longer than any time limit of the server.
const PATIENCE: [u64; 4] = [700, 3_000, 10_000, 35_000];
/// In a hundred: attempts that go through two nodes at the same time.
const TWICE: u32 = 8;
/// Seeds of clients are this far apart.
const SEED_STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Clients at work. They stop when this is dropped.
#[derive(Debug)]
pub struct Workload {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

/// What all clients have together.
#[derive(Debug)]
struct Shared {
    begun: Instant,
    board: Mutex<Board>,
    attempts: Mutex<Vec<Attempt>>,
    /// Answers that no fault explains, and how often.
    surprises: Mutex<BTreeMap<String, u64>>,
    open: AtomicU64,
    /// By node: when the latest command began that it said is done.
    done: watch::Sender<Vec<u64>>,
    finishing: AtomicBool,
}

impl Workload {
    /// Starts so many clients, with two principals each: an admin and a service.
    pub fn start(clients: u64, seed: u64, urls: &[String], tokens: &Tokens) -> Result<Self> {
        let shared = Arc::new(Shared {
            begun: Instant::now(),
            board: Mutex::default(),
            attempts: Mutex::default(),
            surprises: Mutex::default(),
            open: AtomicU64::new(0),
            done: watch::Sender::new(vec![0; urls.len()]),
            finishing: AtomicBool::new(false),
        });
        let mut workload = Self {
            shared: Arc::clone(&shared),
            clients: JoinSet::new(),
        };
        for number in 0..clients {
            let random = StdRng::seed_from_u64(seed ^ number.wrapping_add(1).wrapping_mul(SEED_STEP));
            let client = Client {
                name: format!("c{number}"),
                callers: Callers::new(urls, tokens)?,
                shared: Arc::clone(&shared),
                random,
            };
            workload.clients.spawn(client.run());
        }
        Ok(workload)
    }

    /// Microseconds since the start, on the clock of the clients' log.
    pub fn now(&self) -> u64 {
        self.shared.now()
    }

    /// Waits until every node has done a command that was given after this call; nothing when that takes longer.
    pub async fn next_done(&self, patience: Duration) -> Option<()> {
        let called = self.now();
        let mut done = self.shared.done.subscribe();
        let fresh = done.wait_for(|nodes| nodes.iter().all(|started| *started >= called));
        let waited = tokio::time::timeout(patience, fresh).await;
        waited.ok()?.ok().map(drop)
    }

    /// Lets every client end its current command. Says how many commands were given up because nobody could say what became of them.
    pub async fn finish(&mut self, patience: Duration) -> u64 {
        self.shared.finishing.store(true, Ordering::Relaxed);
        let all = async { while self.clients.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            self.clients.shutdown().await;
        }
        self.shared.open.load(Ordering::Relaxed)
    }

    /// What clients wrote down, in the order in which attempts ended.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.shared.locked_attempts().clone()
    }

    /// Answers that no fault explains, and how often they came.
    pub fn surprises(&self) -> BTreeMap<String, u64> {
        self.shared
            .surprises
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn locked_attempts(&self) -> MutexGuard<'_, Vec<Attempt>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Client {
    name: String,
    callers: Callers,
    shared: Arc<Shared>,
    random: StdRng,
}

impl Client {
    async fn run(mut self) {
        while !self.shared.finishing.load(Ordering::Relaxed) {
            let order = order::choose(&mut self.random, &self.shared.board());
            self.shared.open.fetch_add(1, Ordering::Relaxed);
            self.carry_out(&order).await;
            self.shared.open.fetch_sub(1, Ordering::Relaxed);
            self.pause(PAUSE).await;
        }
    }

    /// Repeats the command with its key until somebody knows what became of it, each time through another node.
    async fn carry_out(&mut self, order: &Order) {
        let key = Uuid::from_u128(self.random.random()).to_string();
        let mut node: usize = self.random.random_range(0..self.callers.nodes());
        loop {
            let caller = self.callers.at(node, order.role);
            let certain = if self.random.random_range(0..100) < TWICE {
                let patience = (self.patience(), self.patience());
                let other = self.callers.at(node + 1, order.role);
                let (one, two) = tokio::join!(
                    self.attempt(&caller, order, &key, patience.0),
                    self.attempt(&other, order, &key, patience.1),
                );
                one || two
            } else {
                let patience = self.patience();
                self.attempt(&caller, order, &key, patience).await
            };
            if certain {
                return;
            }
            self.pause(BACKOFF).await;
            node += 1;
        }
    }

    /// Whether the client knows afterwards what became of the command.
    async fn attempt(&self, caller: &Caller, order: &Order, key: &str, patience: Duration) -> bool {
        let started_at = self.shared.now();
        let answer = caller.send(order, key, patience).await;
        let ended_at = self.shared.now();
        // Asking again would not tell more.
        let certain = answer.outcome.is_certain() || answer.surprise.is_some();
        if let Some(surprise) = answer.surprise {
            let mut surprises = self.shared.surprises.lock().unwrap_or_else(PoisonError::into_inner);
            *surprises.entry(surprise).or_default() += 1;
        }
        self.shared.board().learn(order, &answer.outcome, answer.ids);
        if matches!(answer.outcome, Outcome::Done { .. }) {
            self.shared.done.send_modify(|nodes| {
                if let Some(latest) = nodes.get_mut(caller.node) {
                    *latest = started_at.max(*latest);
                }
            });
        }
        self.shared.locked_attempts().push(Attempt {
            client: self.name.clone(),
            started_at,
            ended_at,
            principal: caller.principal,
            command_id: key.to_owned(),
            content_hash: order.content_hash(),
            command: order.name.to_owned(),
            stream: answer.stream.or_else(|| order.stream.clone()),
            expected_revision: order.expected,
            outcome: answer.outcome,
        });
        certain
    }

    /// Some clients give up sooner than the server does, and then do not know.
    fn patience(&mut self) -> Duration {
        Duration::from_millis(PATIENCE.choose(&mut self.random).copied().unwrap_or_default())
    }

    async fn pause(&mut self, range: std::ops::Range<u64>) {
        tokio::time::sleep(Duration::from_millis(self.random.random_range(range))).await;
    }
}
