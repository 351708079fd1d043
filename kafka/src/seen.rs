//! How far each partition was ever seen to reach by this process.

use std::sync::atomic::{AtomicU64, Ordering};

/// The highest end of each partition that any answer, record or delivery report implied. An end below it means lost records.
#[derive(Debug)]
pub(crate) struct SeenEnds(Vec<AtomicU64>);

impl SeenEnds {
    /// Nothing was seen yet.
    pub(crate) fn new(partitions: u32) -> Self {
        Self((0..partitions).map(|_| AtomicU64::new(0)).collect())
    }

    /// The partition reaches up to `end` at least.
    pub(crate) fn raise(&self, partition: u32, end: u64) {
        if let Some(seen) = self.0.get(partition as usize) {
            seen.fetch_max(end, Ordering::Relaxed);
        }
    }

    /// How far it was seen to reach.
    pub(crate) fn get(&self, partition: u32) -> u64 {
        self.0
            .get(partition as usize)
            .map_or(0, |seen| seen.load(Ordering::Relaxed))
    }
}
