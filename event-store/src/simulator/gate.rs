//! What stands between one process and the rest of its world.
//!
//! All that a node or a journaler does to others goes through its log and its journal. A gate around both is therefore
//! enough to hold the process (as SIGSTOP or a long pause does), to cut it off for ever in the middle of anything (a crash:
//! whatever it waited for never comes, and nobody hears from it again), and to put a deposed leader before it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::Notify;

use crate::journal::Journal;
use crate::log::Log;

mod gated_journal;
mod gated_log;

/// The gate of one process. Cheap to clone; all clones are one gate.
#[derive(Clone)]
pub struct Gate {
    shared: Arc<Shared>,
}

struct Shared {
    max_latency: Duration,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    random: StdRng,
    passage: Passage,
    depositions: Vec<Deposition>,
    /// By partition, the index of the deposition that lasts.
    deposed: BTreeMap<u32, usize>,
    /// By partition, the end of what was read.
    read: BTreeMap<u32, u64>,
    counts: GateCounts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    Open,
    Held,
    Cut,
}

/// A time in which the process asked a leader that had been deposed without knowing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposition {
    /// The partition.
    pub partition: u32,
    /// The end of the partition as that leader knows it.
    pub end: u64,
    /// It also serves the reads, so that nothing after `end` is read.
    pub serves_reads: bool,
}

/// What went through a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GateCounts {
    /// Appends under way.
    pub appends_under_way: u64,
    /// The process waited for the journal to move on.
    pub journal_waits: u64,
    /// It was told an end of a partition that was too low.
    pub stale_ends: u64,
    /// It was told that a record was delivered before it had read it.
    pub delivered_unread: u64,
}

impl Gate {
    /// An open gate. Each way through it takes up to `max_latency`.
    pub fn new(seed: u64, max_latency: Duration) -> Self {
        let state = State {
            random: StdRng::seed_from_u64(seed),
            passage: Passage::Open,
            depositions: Vec::new(),
            deposed: BTreeMap::new(),
            read: BTreeMap::new(),
            counts: GateCounts::default(),
        };
        Self {
            shared: Arc::new(Shared {
                max_latency,
                state: Mutex::new(state),
                changed: Notify::new(),
            }),
        }
    }

    /// The log as the process sees it.
    pub fn log(&self, log: Arc<dyn Log>) -> Arc<dyn Log> {
        Arc::new(gated_log::GatedLog::new(log, self.clone()))
    }

    /// The journal as the process sees it.
    pub fn journal(&self, journal: Arc<dyn Journal>) -> Arc<dyn Journal> {
        Arc::new(gated_journal::GatedJournal::new(journal, self.clone()))
    }

    /// Nothing comes through until [`Self::release`].
    pub fn hold(&self) {
        self.set(Passage::Held);
    }

    /// Ends a hold. A gate that was cut stays so.
    pub fn release(&self) {
        self.set(Passage::Open);
    }

    /// Nothing comes through ever again.
    pub fn cut(&self) {
        self.set(Passage::Cut);
    }

    /// From now on the process is told that the partition ends at `end`.
    pub fn depose(&self, deposition: Deposition) {
        let mut state = self.state();
        let index = state.depositions.len();
        state.depositions.push(deposition);
        state.deposed.insert(deposition.partition, index);
    }

    /// It finds the new leaders of all partitions.
    pub fn find_leaders(&self) {
        self.state().deposed.clear();
        self.shared.changed.notify_waiters();
    }

    /// To be handed to [`Self::lowest_end_since`]: depositions of the partition that last now, and later ones.
    pub fn deposition_mark(&self, partition: u32) -> usize {
        let state = self.state();
        let lasting = state.deposed.get(&partition).copied();
        lasting.unwrap_or(state.depositions.len())
    }

    /// The lowest end that a deposed leader of the partition may have told since the mark was taken.
    pub fn lowest_end_since(&self, mark: usize, partition: u32) -> Option<u64> {
        let state = self.state();
        let since = state.depositions.iter().skip(mark);
        since
            .filter(|deposition| deposition.partition == partition)
            .map(|deposition| deposition.end)
            .min()
    }

    /// What went through so far.
    pub fn counts(&self) -> GateCounts {
        self.state().counts
    }

    /// Waits until the gate is open, and for the way.
    pub async fn pass(&self) {
        let latency = self.latency();
        if latency > Duration::ZERO {
            tokio::time::sleep(latency).await;
        }
        loop {
            let changed = self.shared.changed.notified();
            if self.state().passage == Passage::Open {
                return;
            }
            changed.await;
        }
    }

    /// Waits until the leader that serves reads has the record at `offset`.
    async fn pass_read(&self, partition: u32, offset: u64) {
        loop {
            let changed = self.shared.changed.notified();
            let hidden = self
                .deposition(partition)
                .is_some_and(|deposition| deposition.serves_reads && offset >= deposition.end);
            if !hidden {
                self.pass().await;
                let mut state = self.state();
                let read = state.read.entry(partition).or_default();
                *read = (*read).max(offset + 1);
                return;
            }
            changed.await;
        }
    }

    fn deposition(&self, partition: u32) -> Option<Deposition> {
        let state = self.state();
        let index = *state.deposed.get(&partition)?;
        state.depositions.get(index).copied()
    }

    /// The end that the process is told, when the true one is `end`.
    fn told_end(&self, partition: u32, end: u64) -> u64 {
        let told = self
            .deposition(partition)
            .map_or(end, |deposition| deposition.end.min(end));
        if told < end {
            self.state().counts.stale_ends += 1;
        }
        told
    }

    /// The process is told where a record of its own was delivered.
    fn tell_delivered(&self, partition: u32, offset: u64) {
        let mut state = self.state();
        if state.read.get(&partition).is_none_or(|read| *read <= offset) {
            state.counts.delivered_unread += 1;
        }
    }

    fn latency(&self) -> Duration {
        let millis = u64::try_from(self.shared.max_latency.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return Duration::ZERO;
        }
        Duration::from_millis(self.state().random.random_range(0..=millis))
    }

    fn count(&self, change: impl FnOnce(&mut GateCounts)) {
        change(&mut self.state().counts);
    }

    fn set(&self, passage: Passage) {
        let mut state = self.state();
        if state.passage != Passage::Cut {
            state.passage = passage;
        }
        drop(state);
        self.shared.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
