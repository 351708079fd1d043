//! How many events go into one transaction: as many as it takes for the time that one may take.

use std::time::Duration;

/// With fewer than these the cost of a transaction itself is most of it.
const LEAST: usize = 100;
/// The first transaction.
const FIRST: usize = 2_000;

#[derive(Debug)]
pub(super) struct BatchSize {
    events: usize,
    most: usize,
    transaction: Duration,
}

impl BatchSize {
    pub(super) fn new(most: usize, transaction: Duration) -> Self {
        let most = most.max(1);
        Self {
            events: FIRST.min(most),
            most,
            transaction,
        }
    }

    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// A transaction of so many events took so long.
    pub(super) fn learn(&mut self, events: usize, took: Duration) {
        if took > self.transaction {
            // Not below half at once: one slow transaction says little.
            let ratio = self.transaction.as_secs_f64() / took.as_secs_f64();
            // Positive, and below what it was.
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss
            )]
            let fitting = (self.events as f64 * ratio.max(0.5)) as usize;
            self.events = fitting.max(LEAST).min(self.most);
        } else if events >= self.events && took < self.transaction / 2 {
            self.events = self.events.saturating_mul(2).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::BatchSize;

    const TARGET: Duration = Duration::from_millis(500);

    #[test]
    fn fast_full_transactions_become_larger_up_to_the_bound() {
        let mut size = BatchSize::new(20_000, TARGET);
        let mut seen = Vec::new();
        for _ in 0..6 {
            size.learn(size.events(), Duration::from_millis(10));
            seen.push(size.events());
        }
        assert_eq!(seen, [4_000, 8_000, 16_000, 20_000, 20_000, 20_000]);
    }

    #[test]
    fn a_transaction_that_was_not_full_says_nothing_about_larger_ones() {
        let mut size = BatchSize::new(20_000, TARGET);
        size.learn(10, Duration::from_millis(1));
        assert_eq!(size.events(), 2_000);
    }

    #[test]
    fn slow_transactions_become_smaller_but_not_tiny() {
        let mut size = BatchSize::new(20_000, TARGET);
        size.learn(2_000, Duration::from_secs(1));
        assert_eq!(size.events(), 1_000);
        for _ in 0..20 {
            size.learn(size.events(), Duration::from_mins(1));
        }
        assert_eq!(size.events(), 100);
    }

    #[test]
    fn a_small_bound_is_kept() {
        let mut size = BatchSize::new(5, TARGET);
        assert_eq!(size.events(), 5);
        size.learn(5, Duration::from_mins(1));
        assert_eq!(size.events(), 5);
    }
}
