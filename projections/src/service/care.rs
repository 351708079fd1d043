//! Going on slowly where something went wrong before, so that one event can be blamed.
//!
//! A batch that the database refuses, or that ends the process, does not say which of its events is at fault. So the next attempt at
//! the same part of the log takes less at a time: after a refusal one record a transaction, after a crash the less the more often it
//! happened. After several crashes each event is written down before it is touched, and whoever comes next knows the culprit.

use event_store::Cut;

/// From this many crashes in a row on, events are written down.
const WRITES_DOWN_AT: u32 = 3;
/// The fourth power of two, so that three crashes lead from thousands of events to one.
const SHIFT: u32 = 4;

/// How careful to be, and how long.
#[derive(Debug, Clone, Default)]
pub(super) struct Care {
    crashes: u32,
    /// After crashes: so many events more.
    events_left: usize,
    /// After a refusal: until everything below it is through.
    through: Cut,
}

impl Care {
    /// After so many holders in a row died. `most` is what a batch may hold: the culprit is not further away.
    pub(super) fn after_crashes(&mut self, crashes: u32, most: usize) {
        if crashes > self.crashes {
            self.crashes = crashes;
            self.events_left = most;
        }
    }

    /// After the database refused rows of events below the cut.
    pub(super) fn after_refusal(&mut self, through: &Cut) {
        self.through.merge(through);
    }

    /// The same for a reader that follows these partitions only.
    pub(super) fn of(&self, partitions: &std::collections::BTreeSet<u32>) -> Self {
        Self {
            through: self.through.of_partitions(partitions),
            ..self.clone()
        }
    }

    /// Is care needed for what comes after the cut?
    pub(super) fn is_needed(&self, cut: &Cut) -> bool {
        self.has_crashed() || !cut.covers(&self.through)
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.crashes > 0 && self.events_left > 0
    }

    /// Events of one transaction.
    pub(super) fn batch_events(&self, cut: &Cut, most: usize) -> usize {
        if !cut.covers(&self.through) {
            return 1;
        }
        if self.has_crashed() {
            return most.checked_shr(SHIFT * self.crashes).unwrap_or(0).max(1);
        }
        most
    }

    /// Is each event to be written down before it is touched?
    pub(super) fn writes_down(&self) -> bool {
        self.has_crashed() && self.crashes >= WRITES_DOWN_AT
    }

    /// So many events went well.
    pub(super) fn passed(&mut self, events: usize) {
        self.events_left = self.events_left.saturating_sub(events);
    }
}

#[cfg(test)]
mod tests {
    use event_store::Cut;

    use super::Care;

    #[test]
    fn the_more_crashes_the_smaller_the_batches() {
        let sizes: Vec<_> = (0..5)
            .map(|crashes| {
                let mut care = Care::default();
                care.after_crashes(crashes, 2_000);
                (care.batch_events(&Cut::start(), 2_000), care.writes_down())
            })
            .collect();
        assert_eq!(sizes, [(2_000, false), (125, false), (7, false), (1, true), (1, true)]);
    }

    #[test]
    fn care_ends_when_enough_went_well() {
        let mut care = Care::default();
        care.after_crashes(1, 100);
        care.passed(60);
        assert!(care.is_needed(&Cut::start()));
        care.passed(60);
        assert!(!care.is_needed(&Cut::start()));
    }

    #[test]
    fn after_a_refusal_records_go_one_by_one_until_all_are_through() {
        let mut care = Care::default();
        let refused: Cut = [(1, 50)].into_iter().collect();
        care.after_refusal(&refused);
        let before: Cut = [(1, 49)].into_iter().collect();
        assert_eq!(care.batch_events(&before, 2_000), 1);
        assert_eq!(care.batch_events(&refused, 2_000), 2_000);
        assert!(!care.is_needed(&refused));
    }
}
