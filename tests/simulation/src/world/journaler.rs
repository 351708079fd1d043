//! Journalers behind gates; a journaler that stops was killed, not asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use event_store::log_store::Journaler;
use event_store::simulator::Gate;
use tokio_util::sync::CancellationToken;

use super::{World, lock};
use crate::checker::Violation;

/// Where a journaler runs or is down.
#[derive(Default)]
pub(super) struct JournalerPlace {
    lives: AtomicUsize,
    running: Mutex<Option<Gate>>,
}

impl World {
    /// Starts a journaler in a place where none runs.
    pub(super) fn start_journaler(self: &Arc<Self>, index: usize) {
        let place = &self.journalers[index];
        let life = place.lives.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("journaler {index}.{life}");
        let gate = self.gate(&name);
        let log = gate.log(Arc::new(self.log.clone()));
        let journaler = Journaler::new(log, gate.journal(Arc::new(self.journal.clone())), &self.pin);
        self.trace.say(|| format!("{name} starts"));
        *lock(&place.running) = Some(gate);
        let world = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = journaler.run(CancellationToken::new()).await {
                let what = format!("{name} gave up: {error}: {:?}", std::error::Error::source(&error));
                lock(&world.violations).push(Violation::Defect { attempt: None, what });
            }
        });
    }

    /// The gate of the journaler in a place, unless it is down.
    pub(super) fn journaler(&self, index: usize) -> Option<Gate> {
        lock(&self.journalers[index].running).clone()
    }

    /// Kills the journaler in a place. True when one ran.
    pub(super) fn kill_journaler(&self, index: usize) -> bool {
        let Some(gate) = lock(&self.journalers[index].running).take() else {
            return false;
        };
        self.trace.say(|| format!("journaler {index} is killed"));
        gate.cut();
        true
    }
}
