//! Chance that follows from a seed and a purpose, so that a draw more in one place changes nothing in another.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A source of draws.
#[derive(Debug)]
pub(crate) struct Random(StdRng);

impl Random {
    /// The source of a seed for a purpose.
    pub(crate) fn of(seed: u64, purpose: &str) -> Self {
        Self(StdRng::seed_from_u64(derived_seed(seed, purpose)))
    }

    /// True this often out of 1,000.
    pub(crate) fn chance(&mut self, of_thousand: u32) -> bool {
        self.0.random_range(0..1_000) < of_thousand
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// A time in whole milliseconds, both ends included.
    pub(crate) fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.between(low, high))
    }

    /// One of several.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// A seed for something within the world of `seed`.
pub(crate) fn derived_seed(seed: u64, purpose: &str) -> u64 {
    fnv(fnv(FNV_START, &seed.to_le_bytes()), purpose.as_bytes())
}

/// Where [`fnv`] begins.
pub(crate) const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: the same in every build, which the hashers of the standard library do not promise.
pub(crate) fn fnv(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
