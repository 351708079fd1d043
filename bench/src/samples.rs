//! Many durations of the same thing, and what to say about them.

use std::time::Duration;

/// Durations in milliseconds, in rounds.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    rounds: Vec<Vec<f64>>,
}

impl Samples {
    /// What follows belongs to another round.
    pub(crate) fn next_round(&mut self) {
        self.rounds.push(Vec::new());
    }

    pub(crate) fn add(&mut self, duration: Duration) {
        if self.rounds.is_empty() {
            self.next_round();
        }
        if let Some(round) = self.rounds.last_mut() {
            round.push(duration.as_secs_f64() * 1_000.0);
        }
    }

    pub(crate) fn extend(&mut self, durations: impl IntoIterator<Item = Duration>) {
        durations.into_iter().for_each(|duration| self.add(duration));
    }

    /// The median of the rounds' medians: one round beside a busy neighbour does not count.
    pub(crate) fn p50(&self) -> f64 {
        median(self.rounds.iter().map(|round| median(round.clone())).collect())
    }

    /// Over all rounds.
    pub(crate) fn p95(&self) -> f64 {
        quantile(self.rounds.concat(), 95)
    }

    /// Over all rounds, since a tail is made of what is rare.
    pub(crate) fn p99(&self) -> f64 {
        quantile(self.rounds.concat(), 99)
    }
}

/// The middle one; the lower of two.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    quantile(values, 50)
}

/// The smallest value that so many of a hundred do not exceed; zero when there is none.
fn quantile(mut values: Vec<f64>, percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(rank).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Samples, median};

    #[test]
    fn median_of_nothing_is_zero() {
        assert!(median(Vec::new()).abs() < f64::EPSILON);
    }

    #[test]
    fn p99_of_a_hundred_is_the_second_largest() {
        let mut samples = Samples::default();
        for milliseconds in (1..=100).rev() {
            samples.add(Duration::from_millis(milliseconds));
        }
        assert!((samples.p99() - 99.0).abs() < f64::EPSILON);
        assert!((samples.p50() - 50.0).abs() < f64::EPSILON);
    }

    #[test]
    fn p50_is_that_of_the_middle_round() {
        let mut samples = Samples::default();
        for round in [[1, 1, 9], [2, 2, 2], [500, 500, 500]] {
            samples.next_round();
            for milliseconds in round {
                samples.add(Duration::from_millis(milliseconds));
            }
        }
        assert!((samples.p50() - 2.0).abs() < f64::EPSILON);
    }
}
