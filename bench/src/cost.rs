//! Processor time of a measurement, for each thousand of what was done.

use std::collections::BTreeMap;

use crate::measurement::{Measurement, as_float};
use crate::processor_time::{ProcessorTime, Watched, listener};
use crate::samples::median;
use crate::servers::Servers;

/// Looks at one process of ours and at the servers.
pub(crate) struct Meter {
    watched: Watched,
}

/// Milliseconds of processor time for a thousand, by who used them.
pub(crate) type Used = BTreeMap<String, f64>;

impl Meter {
    /// Of this process, where the store runs beside its clients.
    pub(crate) fn of_this_process(servers: &Servers) -> Self {
        Self::of(servers, "bench", std::process::id())
    }

    pub(crate) fn of(servers: &Servers, program_name: &'static str, program: u32) -> Self {
        let (postgres, kafka) = servers.ports();
        Self {
            watched: Watched {
                program,
                program_name,
                postgres: postgres.and_then(listener),
                kafka: kafka.and_then(listener),
            },
        }
    }

    pub(crate) fn now(&self) -> ProcessorTime {
        self.watched.now()
    }

    pub(crate) fn since(&self, before: &ProcessorTime, done: u64) -> Used {
        let thousands = as_float(done) / 1_000.0;
        let used = self.watched.now().since(before);
        used.into_iter()
            .map(|(name, seconds)| (name, seconds * 1_000.0 / thousands))
            .collect()
    }
}

/// One row for each of those who used anything worth telling: the median of the rounds.
pub(crate) fn rows(bench: &'static str, case: &str, rounds: &[&Used]) -> Vec<Measurement> {
    let mut by_name: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (name, milliseconds) in rounds.iter().flat_map(|round| round.iter()) {
        by_name.entry(name).or_default().push(*milliseconds);
    }
    let row = |(name, milliseconds): (&str, Vec<f64>)| {
        Measurement::new(bench, format!("{case}: {name}"), median(milliseconds), "cpu ms/1000")
    };
    by_name.into_iter().map(row).collect()
}

/// The same without the threads of each: who loads several servers in turns compares whole processes.
pub(crate) fn rows_of_processes(bench: &'static str, case: &str, rounds: &[&Used]) -> Vec<Measurement> {
    let without_threads = |used: &&Used| -> Used {
        let processes = used.iter().filter(|(name, _)| !name.contains('['));
        processes
            .map(|(name, milliseconds)| (name.clone(), *milliseconds))
            .collect()
    };
    let rounds: Vec<Used> = rounds.iter().map(without_threads).collect();
    rows(bench, case, &rounds.iter().collect::<Vec<_>>())
}
