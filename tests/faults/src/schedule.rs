//! When which nemesis strikes: a pure function of the seed, so that a seed repeats a run.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::nemesis::Nemesis;

/// Most that strike at once.
const MOST_AT_ONCE: usize = 3;

/// One nemesis at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// Which.
    pub nemesis: Nemesis,
    /// A number from which the nemesis takes what is left to choose: which broker, which node, how late.
    pub dice: u32,
}

/// Nemeses that strike together, and are healed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Of different targets.
    pub strikes: Vec<Strike>,
    /// For how long.
    pub lasts: Duration,
    /// How long nothing is done afterwards.
    pub calm: Duration,
}

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Of a round, shortest and longest.
    pub strike: (Duration, Duration),
    /// After a round.
    pub calm: Duration,
    /// Whether each nemesis strikes alone before they are mixed.
    pub singles_first: bool,
}

/// An endless list of rounds: each nemesis comes once before one comes again.
#[derive(Debug)]
pub struct Schedule {
    random: StdRng,
    nemeses: Vec<Nemesis>,
    waiting: Vec<Nemesis>,
    pace: Pace,
    mixes: bool,
}

impl Schedule {
    /// The list of this seed.
    pub fn new(seed: u64, nemeses: &[Nemesis], pace: Pace) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            nemeses: nemeses.to_vec(),
            waiting: Vec::new(),
            mixes: !pace.singles_first,
            pace,
        }
    }
}

impl Iterator for Schedule {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        if self.waiting.is_empty() {
            self.waiting.clone_from(&self.nemeses);
            self.waiting.shuffle(&mut self.random);
        }
        let wanted = if self.mixes {
            self.random.random_range(2..=MOST_AT_ONCE)
        } else {
            1
        };
        let mut chosen: Vec<Nemesis> = Vec::new();
        // From the end, those whose target nobody works on yet; the others wait for the next round.
        let mut index = self.waiting.len();
        while index > 0 && chosen.len() < wanted {
            index -= 1;
            let fits = |nemesis: &Nemesis| chosen.iter().all(|other| other.target() != nemesis.target());
            if self.waiting.get(index).is_some_and(fits) {
                chosen.push(self.waiting.remove(index));
            }
        }
        if self.waiting.is_empty() {
            self.mixes = true;
        }
        let (shortest, longest) = self.pace.strike;
        let strikes = chosen.into_iter().map(|nemesis| Strike {
            nemesis,
            dice: self.random.random(),
        });
        let strikes: Vec<Strike> = strikes.collect();
        let lasts = self.random.random_range(shortest..=longest);
        (!strikes.is_empty()).then_some(Round {
            strikes,
            lasts,
            calm: self.pace.calm,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use super::*;

    const PACE: Pace = Pace {
        strike: (Duration::from_secs(1), Duration::from_secs(3)),
        calm: Duration::from_secs(1),
        singles_first: true,
    };

    fn rounds(seed: u64, count: usize) -> Vec<Round> {
        Schedule::new(seed, Nemesis::all(), PACE).take(count).collect()
    }

    #[test]
    fn a_seed_repeats_its_rounds_and_another_has_others() {
        assert_eq!(rounds(7, 60), rounds(7, 60));
        assert_ne!(rounds(7, 60), rounds(8, 60));
    }

    #[test]
    fn each_nemesis_strikes_alone_and_then_they_are_mixed() {
        let rounds = rounds(1, 60);
        let (singles, mixed) = rounds.split_at(Nemesis::all().len());
        let met: BTreeSet<Nemesis> = singles.iter().map(|round| round.strikes[0].nemesis).collect();
        assert_eq!(met.len(), Nemesis::all().len());
        assert!(singles.iter().all(|round| round.strikes.len() == 1));
        assert!(mixed.iter().any(|round| round.strikes.len() == 2));
        assert!(mixed.iter().any(|round| round.strikes.len() == 3));
    }

    #[test]
    fn no_round_works_twice_on_the_same_target() {
        for round in rounds(3, 200) {
            let targets: HashSet<_> = round.strikes.iter().map(|strike| strike.nemesis.target()).collect();
            assert_eq!(targets.len(), round.strikes.len(), "{round:?}");
        }
    }

    #[test]
    fn without_a_nemesis_there_is_no_round() {
        assert_eq!(Schedule::new(1, &[], PACE).next(), None);
    }
}
