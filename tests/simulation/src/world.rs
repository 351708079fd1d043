//! One world: a log, a journal, nodes, journalers, clients and faults, from one seed, on one thread and a paused clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_store::codec::Pin;
use event_store::journal::memory::MemoryJournal;
use event_store::log::Log as _;
use event_store::log_store::open_log;
use event_store::simulator::{Gate, SimulatedLog, Weather};
use tokio::time::Instant;
use uuid::Uuid;

use crate::checker::{self, Violation};
use crate::coverage::{Case, Coverage};
use crate::history::History;
use crate::mutant::Product;
use crate::plan::Plan;
use crate::random::{FNV_START, derived_seed, fnv};
use crate::trace::Trace;

mod client;
mod ending;
mod fault;
mod journaler;
mod node;

pub(crate) use ending::Observed;

use journaler::JournalerPlace;
use node::NodePlace;

/// Time of the world after the last fault within which every client must have its final answer.
const FINAL_ANSWERS_WITHIN: Duration = Duration::from_secs(90);

/// What came of a world.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What was promised and not kept.
    pub violations: Vec<Violation>,
    /// Interesting cases.
    pub coverage: Coverage,
    /// Commands that clients wanted done.
    pub commands: u64,
    /// How often they sent them.
    pub attempts: u64,
    /// Accepted commits in the log.
    pub commits: u64,
    /// Hash of all records of the log and of all answers in their order.
    pub digest: u64,
    /// What happened, line by line; empty when it was not asked for.
    pub trace: Vec<String>,
}

/// What all parties of a world share.
struct World {
    plan: Plan,
    product: Product,
    log: SimulatedLog,
    journal: MemoryJournal,
    pin: Pin,
    nodes: Vec<NodePlace>,
    journalers: Vec<JournalerPlace>,
    /// Of all processes that ever lived.
    gates: Mutex<Vec<Gate>>,
    history: Mutex<History>,
    coverage: Mutex<Coverage>,
    violations: Mutex<Vec<Violation>>,
    /// Nothing goes wrong any more.
    calm: AtomicBool,
    start: Instant,
    trace: Trace,
}

/// Runs the world of a seed to its end and checks it.
pub fn run_world(seed: u64, product: Product, traced: bool) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO needs nothing that could be missing");
    runtime.block_on(live(seed, product, traced))
}

async fn live(seed: u64, product: Product, traced: bool) -> Report {
    let world = Arc::new(World::begin(Plan::of(seed), product, traced).await);
    for index in 0..world.plan.journalers {
        world.start_journaler(index);
    }
    for index in 0..world.plan.nodes {
        world.start_node(index).await;
    }
    let clients: Vec<_> = (0..world.plan.clients)
        .map(|number| tokio::spawn(client::run(Arc::clone(&world), number)))
        .collect();
    fault::run(&world).await;
    let answered = tokio::time::timeout(FINAL_ANSWERS_WITHIN, futures::future::join_all(clients)).await;
    if answered.is_err() {
        world.trace.say(|| "some clients still wait".to_owned());
    }
    let observed = ending::observe(&world).await;
    world.report(&observed)
}

impl World {
    async fn begin(plan: Plan, product: Product, traced: bool) -> Self {
        let log = SimulatedLog::with_record_limit(
            derived_seed(plan.seed, "log"),
            plan.partitions,
            Weather::CALM,
            plan.record_limit,
        );
        // Written here, since `open_log` gives a new log a random id.
        let id = Uuid::from_u128(u128::from(derived_seed(plan.seed, "log id")));
        let pin = Pin::new(id, plan.partitions, plan.window);
        log.append(0, pin.encode()).await.expect("the weather is calm");
        let pin = open_log(&log, plan.window).await.expect("the weather is calm");
        log.set_weather(plan.weather);
        let trace = Trace::new(traced);
        trace.say(|| format!("{plan:?}"));
        Self {
            product,
            journal: MemoryJournal::new(pin.log_id, plan.partitions),
            log,
            pin,
            nodes: (0..plan.nodes).map(|_| NodePlace::default()).collect(),
            journalers: (0..plan.journalers).map(|_| JournalerPlace::default()).collect(),
            gates: Mutex::default(),
            history: Mutex::default(),
            coverage: Mutex::default(),
            violations: Mutex::default(),
            calm: AtomicBool::new(false),
            start: Instant::now(),
            trace,
            plan,
        }
    }

    /// A gate for a new process.
    fn gate(&self, process: &str) -> Gate {
        let gate = Gate::new(derived_seed(self.plan.seed, process), self.plan.latency);
        lock(&self.gates).push(gate.clone());
        gate
    }

    fn met(&self, case: Case) {
        lock(&self.coverage).met(case);
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    fn report(&self, observed: &Observed) -> Report {
        let history = lock(&self.history);
        let checked = checker::check(&self.plan, &history, observed);
        let mut coverage = lock(&self.coverage).clone();
        coverage.merge(&checked.coverage);
        for gate in lock(&self.gates).iter() {
            let counts = gate.counts();
            coverage.add(Case::JournalWaitedFor, counts.journal_waits);
            coverage.add(Case::DeliveredUnread, counts.delivered_unread);
            coverage.add(Case::StaleEnd, counts.stale_ends);
        }
        let mut violations = lock(&self.violations).clone();
        violations.extend(checked.violations);
        let mut trace = self.trace.take();
        if !trace.is_empty() {
            trace.extend(checked.log);
        }
        Report {
            seed: self.plan.seed,
            violations,
            coverage,
            commands: history.commands,
            attempts: history.attempts.len() as u64,
            commits: checked.commits,
            digest: digest(&history, observed),
            trace,
        }
    }
}

fn digest(history: &History, observed: &Observed) -> u64 {
    let mut digest = FNV_START;
    for record in observed.records.iter().flatten() {
        digest = fnv(digest, &record.content_digest().0.to_le_bytes());
    }
    for number in &history.order_of_ends {
        let attempt = &history.attempts[*number];
        digest = fnv(digest, format!("{number} {:?}", attempt.ended).as_bytes());
    }
    digest
}

/// Also after a panic elsewhere: that world is lost anyway and says so.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
