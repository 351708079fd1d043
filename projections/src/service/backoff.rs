//! Growing pauses between attempts.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);

/// Doubles from a first pause up to a longest.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(longest: Duration) -> Self {
        Self {
            next: FIRST.min(longest),
            longest,
        }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        pause
    }

    /// It works again.
    pub(super) fn reset(&mut self) {
        self.next = FIRST.min(self.longest);
    }
}
