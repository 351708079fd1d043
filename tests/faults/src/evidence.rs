//! What a campaign leaves behind for people and programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::{Check, ProductCheck};
use crate::nemesis::Nemesis;

/// All of it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Repeats the rounds and the choices of the clients.
    pub seed: u64,
    /// Real processes of the platform.
    pub nodes: usize,
    /// Clients with two principals each.
    pub clients: u64,
    /// Whether negative answers are recorded and final.
    pub strict: bool,
    /// From the first process to the last check.
    pub seconds: f64,
    /// For how long faults were to be inflicted.
    pub fault_seconds: f64,
    /// What could not be inflicted on this machine, and why.
    pub skipped: BTreeMap<String, String>,
    /// What was inflicted, in order.
    pub rounds: Vec<RoundEvidence>,
    /// What clients were told, and how fast.
    pub load: LoadEvidence,
    /// Seconds from the end of a round until the next command was done, at worst.
    pub longest_wait_after_heal: f64,
    /// Connections that a link closed.
    pub connections_cut: u64,
    /// Answers that a link kept after their request had gone through.
    pub answers_lost: u64,
    /// How often a node ended although nobody had killed it; it was started again.
    pub own_ends_of_nodes: u64,
    /// What was looked at by the campaign itself.
    pub checks: Vec<Check>,
    /// `coding-agent history verify`.
    pub by_product: ProductCheck,
    /// What is wrong besides: no recovery in time, no certain answer, answers that no fault explains.
    pub problems: Vec<String>,
}

/// Nemeses that struck together.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoundEvidence {
    /// Which, and on what.
    pub strikes: Vec<StrikeEvidence>,
    /// Microseconds on the clock of the clients' log.
    pub struck_at: u64,
    /// The same; everything that was away is there again.
    pub healed_at: u64,
    /// From then until every node had done a command that was given after it; nothing when that took longer than is allowed.
    pub seconds_until_done: Option<f64>,
    /// The longest time from the strike to that moment in which no node at all did a command, in seconds.
    pub longest_silence: f64,
}

/// One nemesis of a round.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StrikeEvidence {
    /// Which.
    pub nemesis: Nemesis,
    /// On what.
    pub what: String,
}

/// What clients met.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadEvidence {
    /// Commands, each with one id.
    pub commands: usize,
    /// Streams that they were about.
    pub streams: usize,
    /// Attempts by outcome.
    pub attempts: BTreeMap<&'static str, u64>,
    /// Attempts that were not certain, by code.
    pub uncertain: BTreeMap<String, u64>,
    /// Of attempts with a certain answer that met no fault.
    pub calm: Latency,
    /// Of those that did.
    pub under_fault: Latency,
}

/// How long answers took.
#[derive(Debug, Clone, Copy, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How many.
    pub answers: usize,
    /// Milliseconds that half of them needed at most.
    pub p50_ms: f64,
    /// Milliseconds that 99 of a hundred needed at most.
    pub p99_ms: f64,
}

impl Evidence {
    /// Does everything hold?
    pub fn passed(&self) -> bool {
        self.problems.is_empty()
            && self.checks.iter().all(|check| check.violations == 0)
            && !matches!(self.by_product, ProductCheck::Failed { .. })
    }
}

impl RoundEvidence {
    /// Its nemeses.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.strikes.iter().map(|strike| strike.nemesis.name()).collect();
        names.join(" + ")
    }

    /// For a line of progress.
    pub fn sentence(&self) -> String {
        let strikes: Vec<String> = self
            .strikes
            .iter()
            .map(|strike| format!("{} ({})", strike.nemesis.name(), strike.what))
            .collect();
        let after = match self.seconds_until_done {
            Some(seconds) => format!("every node does commands again {seconds:.1} s after it was healed"),
            None => "A NODE DOES NO COMMANDS AFTER IT WAS HEALED".to_owned(),
        };
        format!("{} for {:.1} s; {after}", strikes.join(" + "), self.seconds())
    }

    /// From the strike to the end of healing.
    #[allow(clippy::cast_precision_loss)] // Microseconds of an hour are exact.
    pub fn seconds(&self) -> f64 {
        self.healed_at.saturating_sub(self.struck_at) as f64 / 1e6
    }
}
