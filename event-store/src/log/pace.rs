//! How often a reader of the log asks for more.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a gathering reader rests after a read that brought less than [`WORTH_A_READ`]; what comes after a pause does not wait.
pub const GATHER_FOR: Duration = Duration::from_millis(4);

/// Records, or events, that make a read worth its price.
pub const WORTH_A_READ: usize = 100;

/// What a reader wants when records come one by one.
#[derive(Debug, Clone)]
pub enum Pace {
    /// Each as soon as it is there.
    Prompt,
    /// The first one at once, then a few milliseconds' worth at a time: many small reads cost more than what they bring. It does not
    /// rest while somebody says that it is urgent.
    Gathering(Arc<Urgency>),
    /// A small record or two of each partition, and then it ends: nothing is read ahead.
    Peeking,
}

impl Pace {
    /// Gathering, and nobody ever waits for it.
    pub fn gathering() -> Self {
        Self::Gathering(Arc::default())
    }
}

/// Whether somebody waits for what a reader will read.
#[derive(Debug, Default)]
pub struct Urgency {
    waiting: Mutex<usize>,
    raised: Condvar,
}

/// Somebody waits as long as this lives.
#[derive(Debug)]
pub struct Urgent(Arc<Urgency>);

impl Urgency {
    /// From now on somebody waits.
    pub fn raise(self: &Arc<Self>) -> Urgent {
        *self.waiting() += 1;
        self.raised.notify_all();
        Urgent(Arc::clone(self))
    }

    /// Blocks the thread for `longest`, or until somebody waits.
    pub fn rest(&self, longest: Duration) {
        let rested = self
            .raised
            .wait_timeout_while(self.waiting(), longest, |waiting| *waiting == 0);
        drop(rested.unwrap_or_else(PoisonError::into_inner));
    }

    fn waiting(&self) -> MutexGuard<'_, usize> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Urgent {
    fn drop(&mut self) {
        *self.0.waiting() -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn nobody_rests_while_somebody_waits() {
        let urgency = Arc::new(Urgency::default());
        let urgent = urgency.raise();
        let began = Instant::now();
        urgency.rest(LONG);
        drop(urgent);
        assert!(began.elapsed() < LONG);
    }

    #[test]
    fn a_rest_ends_when_somebody_begins_to_wait() {
        let urgency = Arc::new(Urgency::default());
        let resting = std::thread::spawn({
            let urgency = Arc::clone(&urgency);
            move || {
                let began = Instant::now();
                urgency.rest(LONG);
                began.elapsed()
            }
        });
        let _urgent = urgency.raise();
        assert!(resting.join().unwrap() < LONG);
    }

    #[test]
    fn a_rest_ends_by_itself() {
        let urgency = Urgency::default();
        urgency.rest(Duration::from_millis(1));
    }
}
