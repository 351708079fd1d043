//! How much of its time a generation that is built may work, so that those who ask for rows do not suffer from it.
//!
//! Halved each time that queries are slow, and given back bit by bit: what several such processes do together settles where queries are fast
//! enough. It never comes to nothing, since queries may be slow for another reason and a rebuild must end.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// In percent of the time.
const WHOLE: u32 = 100;
const LEAST: u32 = 10;
const GIVEN_BACK: u32 = 10;

/// Shared by the lanes of a process.
#[derive(Debug)]
pub(crate) struct Governor {
    share: AtomicU32,
}

impl Default for Governor {
    fn default() -> Self {
        Self {
            share: AtomicU32::new(WHOLE),
        }
    }
}

impl Governor {
    /// Were queries slow since the last look?
    pub(crate) fn learn(&self, are_slow: bool) {
        let share = self.share();
        let share = if are_slow {
            (share / 2).max(LEAST)
        } else {
            (share + GIVEN_BACK).min(WHOLE)
        };
        self.share.store(share, Ordering::Relaxed);
    }

    /// In percent of the time.
    pub(crate) fn share(&self) -> u32 {
        self.share.load(Ordering::Relaxed)
    }

    /// How long to stand still after so much work.
    pub(crate) fn pause_after(&self, worked: Duration) -> Duration {
        let share = self.share();
        worked * (WHOLE - share) / share.max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Governor;

    #[test]
    fn the_share_falls_fast_and_comes_back_slowly_and_never_ends() {
        let governor = Governor::default();
        let shares = |are_slow: bool, times: usize| -> Vec<u32> {
            (0..times)
                .map(|_| {
                    governor.learn(are_slow);
                    governor.share()
                })
                .collect()
        };
        assert_eq!(shares(true, 5), [50, 25, 12, 10, 10]);
        assert_eq!(shares(false, 3), [20, 30, 40]);
        assert_eq!(shares(false, 9).last(), Some(&100));
    }

    #[test]
    fn who_may_work_a_fourth_of_the_time_rests_thrice_as_long_as_it_worked() {
        let governor = Governor::default();
        assert_eq!(governor.pause_after(Duration::from_secs(1)), Duration::ZERO);
        governor.learn(true);
        governor.learn(true);
        assert_eq!(governor.pause_after(Duration::from_secs(1)), Duration::from_secs(3));
    }
}
