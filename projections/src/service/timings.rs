//! Where the time of a process goes, for whoever wants to know why a generation lags.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::write::WriteTimes;

/// Counts since the last look; shared by the reader and the lanes of a process.
#[derive(Debug, Default)]
pub(super) struct Timings {
    /// There is more in the log than is projected, as last measured: waiting for the log is then part of the work.
    pub(super) behind: AtomicBool,
    fetch: AtomicU64,
    idle: AtomicU64,
    decode: AtomicU64,
    apply: AtomicU64,
    lock_wait: AtomicU64,
    write: AtomicU64,
    commit: AtomicU64,
    rest: AtomicU64,
    events: AtomicU64,
    transactions: AtomicU64,
}

/// What a process did between two looks. Times are sums over its lanes, in milliseconds.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Interval {
    interval_ms: u64,
    fetch_ms: u64,
    decode_ms: u64,
    apply_ms: u64,
    lock_wait_ms: u64,
    write_ms: u64,
    commit_ms: u64,
    idle_ms: u64,
    /// Stood still for the sake of queries.
    rest_ms: u64,
    events: u64,
    transactions: u64,
    /// Part of the time that it may work, in percent: less while a generation is built and queries are slow.
    share_percent: u32,
}

impl Timings {
    /// The reader waited for the log since `started`.
    pub(super) fn waited_for_the_log(&self, started: Instant) {
        let waited = if self.behind.load(Ordering::Relaxed) {
            &self.fetch
        } else {
            &self.idle
        };
        add(waited, started.elapsed());
    }

    pub(super) fn decoded(&self, started: Instant) {
        add(&self.decode, started.elapsed());
    }

    pub(super) fn applied(&self, started: Instant) {
        add(&self.apply, started.elapsed());
    }

    pub(super) fn wrote(&self, times: &WriteTimes, events: usize) {
        add(&self.lock_wait, times.lock_wait);
        add(&self.write, times.rows);
        add(&self.commit, times.commit);
        self.events
            .fetch_add(u64::try_from(events).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.transactions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rests(&self, pause: Duration) {
        add(&self.rest, pause);
    }

    /// What happened since `since`, and begins anew.
    pub(super) fn take(&self, since: &mut Instant, share_percent: u32) -> Interval {
        let interval = std::mem::replace(since, Instant::now()).elapsed();
        let milliseconds = |nanoseconds: &AtomicU64| nanoseconds.swap(0, Ordering::Relaxed) / 1_000_000;
        Interval {
            interval_ms: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX),
            fetch_ms: milliseconds(&self.fetch),
            decode_ms: milliseconds(&self.decode),
            apply_ms: milliseconds(&self.apply),
            lock_wait_ms: milliseconds(&self.lock_wait),
            write_ms: milliseconds(&self.write),
            commit_ms: milliseconds(&self.commit),
            idle_ms: milliseconds(&self.idle),
            rest_ms: milliseconds(&self.rest),
            events: self.events.swap(0, Ordering::Relaxed),
            transactions: self.transactions.swap(0, Ordering::Relaxed),
            share_percent,
        }
    }
}

fn add(sum: &AtomicU64, time: Duration) {
    sum.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}
