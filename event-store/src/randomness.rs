//! Chance on the write side: ids of attempts to append, and how long writers rest that keep overtaking each other.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use uuid::Uuid;

/// Where chance comes from: by default the thread's own source.
#[derive(Debug, Default)]
pub struct Randomness {
    /// None: the thread's own source.
    seeded: Option<Mutex<StdRng>>,
}

impl Randomness {
    /// The same draws for the same seed, so that a simulation can be repeated. Never for production: two processes with one
    /// seed would give their commits the same ids.
    pub fn seeded(seed: u64) -> Self {
        Self {
            seeded: Some(Mutex::new(StdRng::seed_from_u64(seed))),
        }
    }

    /// An id for an attempt to append.
    pub fn id(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.draw(|random| random.fill_bytes(&mut bytes));
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Any time below `longest`.
    pub fn moment_below(&self, longest: Duration) -> Duration {
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX).max(1);
        let mut moment = 0;
        self.draw(|random| moment = random.random_range(0..micros));
        Duration::from_micros(moment)
    }

    fn draw(&self, draw: impl FnOnce(&mut dyn RngCore)) {
        match &self.seeded {
            Some(seeded) => draw(&mut *seeded.lock().unwrap_or_else(PoisonError::into_inner)),
            None => draw(&mut rand::rng()),
        }
    }
}
