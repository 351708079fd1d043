//! What has been done so far, counted by all lanes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// So many refusals are shown; the rest is only counted.
const SHOWN_REFUSALS: usize = 10;

/// The counters of one import.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) commits_read: AtomicU64,
    pub(crate) commits_done: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) applied: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) bad_lines: AtomicU64,
    pub(crate) retries: AtomicU64,
    first_refusals: Mutex<Vec<Refusal>>,
}

/// One command that the system said no to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The line of the history.
    pub line: u64,
    /// The command's name.
    pub command: &'static str,
    /// The stable code of the refusal.
    pub code: String,
    /// The refusal in words.
    pub detail: String,
}

impl Tally {
    pub(crate) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        Self::add(&self.refused, 1);
        let mut first = self.first_refusals.lock().unwrap_or_else(PoisonError::into_inner);
        first.push(refusal);
        first.sort_by_key(|refusal| refusal.line);
        first.truncate(SHOWN_REFUSALS);
    }

    pub(crate) fn first_refusals(&self) -> Vec<Refusal> {
        self.first_refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
