//! Many seeds, over several threads; each world stays on one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::checker::Violation;
use crate::coverage::Coverage;
use crate::mutant::Product;
use crate::world::{Report, run_world};

/// Which worlds, and until when.
#[derive(Debug, Clone)]
pub struct Run {
    /// The first seed.
    pub from: u64,
    /// How many; without an end when absent.
    pub seeds: Option<u64>,
    /// No world begins after this time.
    pub longest: Option<Duration>,
    /// Threads.
    pub jobs: usize,
    /// Go on after a violation.
    pub keep_going: bool,
    /// What the nodes run on.
    pub product: Product,
}

/// What came of a run.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Worlds that were run.
    pub worlds: u64,
    /// Commands that clients wanted done.
    pub commands: u64,
    /// How often they sent them.
    pub attempts: u64,
    /// Accepted commits.
    pub commits: u64,
    /// Interesting cases.
    pub coverage: Coverage,
    /// Seeds whose worlds broke a promise, and which.
    pub failures: BTreeMap<u64, Vec<Violation>>,
}

impl Summary {
    fn add(&mut self, report: &Report) {
        self.worlds += 1;
        self.commands += report.commands;
        self.attempts += report.attempts;
        self.commits += report.commits;
        self.coverage.merge(&report.coverage);
        if !report.violations.is_empty() {
            self.failures.insert(report.seed, report.violations.clone());
        }
    }
}

/// Runs the worlds. `progress` is told from time to time how far it is.
pub fn run(run: &Run, progress: impl Fn(&Summary) + Sync) -> Summary {
    let next = AtomicU64::new(run.from);
    let failed = AtomicBool::new(false);
    let summary = Mutex::new(Summary::default());
    let begun = Instant::now();
    let is_over = |seed: u64| {
        run.seeds.is_some_and(|seeds| seed - run.from >= seeds)
            || run.longest.is_some_and(|longest| begun.elapsed() >= longest)
            || (failed.load(Ordering::Relaxed) && !run.keep_going)
    };
    std::thread::scope(|scope| {
        for _ in 0..run.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if is_over(seed) {
                        return;
                    }
                    let report = run_world(seed, run.product, false);
                    if !report.violations.is_empty() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.add(&report);
                    progress(&summary);
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}
