//! A limit of calls a second for each key (a user, an address), by the generic cell rate algorithm.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::StatusCode;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::problem::Problem;

const LARGEST_KEY_COUNT: usize = 100_000;

/// Counting keys takes every lock of the map, so it is done once in so many checks; the map overshoots by that at most.
const CHECKS_BETWEEN_COUNTS: u32 = 1_024;

/// Lets each key call `burst` times at once and `per_second` times a second over time.
pub struct RateLimiter {
    quota: Quota,
    keys: RwLock<DefaultKeyedRateLimiter<String>>,
    checks: AtomicU32,
    clock: DefaultClock,
}

/// The call came too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests, the next one is accepted in {} ms", wait.as_millis())]
pub struct RetryAfter {
    /// How long until the next call is let through.
    pub wait: Duration,
}

impl RateLimiter {
    /// A limiter that has seen no key.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            quota,
            keys: RwLock::new(DefaultKeyedRateLimiter::keyed(quota)),
            checks: AtomicU32::new(0),
            clock: DefaultClock::default(),
        }
    }

    /// Counts one call of `key`, unless it comes too early.
    pub fn check(&self, key: &str) -> Result<(), RetryAfter> {
        if self
            .checks
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(CHECKS_BETWEEN_COUNTS)
        {
            self.bound_keys();
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.check_key(&key.to_owned()).map_err(|early| RetryAfter {
            wait: early.wait_time_from(self.clock.now()),
        })
    }

    /// How many keys are remembered.
    pub fn key_count(&self) -> usize {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn bound_keys(&self) {
        {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            if keys.len() <= LARGEST_KEY_COUNT {
                return;
            }
            keys.retain_recent();
            keys.shrink_to_fit();
            if keys.len() <= LARGEST_KEY_COUNT {
                return;
            }
        }
        // So many keys are busy at this moment that only a flood explains it: bounded memory wins over exact limits.
        tracing::warn!(limit = LARGEST_KEY_COUNT, "rate limiter forgets its keys");
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = DefaultKeyedRateLimiter::keyed(self.quota);
    }
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RateLimiter")
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

impl RetryAfter {
    /// Whole seconds for the header `Retry-After`, never too few and at least one.
    pub fn seconds(&self) -> u64 {
        let started_second = u64::from(self.wait.subsec_nanos() > 0);
        (self.wait.as_secs() + started_second).max(1)
    }
}

impl From<RetryAfter> for Problem {
    fn from(early: RetryAfter) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "request.rate-limited",
            "Too many requests",
        )
        .detail(early.to_string())
        .retry_after_seconds(early.seconds())
    }
}
