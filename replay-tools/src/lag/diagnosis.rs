//! From what was seen to causes and remedies. Pure: the same facts give the same answer.

use serde::{Serialize, Serializer};

use super::facts::{LagFacts, LockWait, ProcessFacts, Timings};

/// A process looks in every few seconds; one that has not for so long hangs or is gone.
const SILENT_SECONDS: f64 = 15.0;
/// Younger lag is events on their way.
const ON_ITS_WAY_SECONDS: f64 = 1.0;
/// A process with this much of its time left has not too much to do.
const MOSTLY_IDLE: f64 = 0.5;

macro_rules! causes {
    ($($(#[$documentation:meta])* $name:ident = $text:literal,)*) => {
        /// Where lag comes from. The texts are stable: programs branch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $($(#[$documentation])* $name,)*
        }

        impl Cause {
            /// The stable text.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

causes! {
    /// It was filled from another history.
    OtherHistory = "lag.other-history",
    /// Nobody follows it.
    NoProcess = "lag.no-process",
    /// Whoever follows it does not look in any more.
    ProcessSilent = "lag.process-silent",
    /// Nobody holds some of its partitions.
    Unheld = "lag.partitions-unheld",
    /// An administrator is changing which generation serves.
    HeldByPromote = "lag.held-by-promote",
    /// Another session holds what it needs.
    LockWait = "lag.lock-wait",
    /// A rebuild lets the generation that serves go first.
    Yielding = "lag.yielding",
    /// It is built, and queries are slow.
    SlowedForQueries = "lag.slowed-for-queries",
    /// Its process looks in and does not get on.
    StandsStill = "lag.stands-still",
    /// Most of the time goes into waiting for records.
    Fetch = "lag.fetch",
    /// Most of the time goes into decoding.
    Decode = "lag.decode",
    /// Most of the time goes into projecting.
    Apply = "lag.apply",
    /// Most of the time goes into waiting for checkpoints.
    CheckpointWait = "lag.checkpoint-wait",
    /// Most of the time goes into writing rows.
    Write = "lag.write",
    /// Most of the time goes into committing.
    Commit = "lag.commit",
    /// It gets on, and nothing stands out.
    CatchingUp = "lag.catching-up",
    /// What is missing has just come.
    OnItsWay = "lag.on-its-way",
    /// Streams stand still.
    Parked = "lag.parked",
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Which.
    pub cause: Cause,
    /// What was seen, in a sentence.
    pub sentence: String,
    /// What to do, in a sentence.
    pub remedy: String,
}

impl Diagnosis {
    fn new(cause: Cause, sentence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause,
            sentence: sentence.into(),
            remedy: remedy.into(),
        }
    }
}

/// Why the generation shows less than the log, the most likely cause first. Empty when it shows everything.
pub fn diagnose(facts: &LagFacts) -> Vec<Diagnosis> {
    let mut causes = Vec::new();
    if !facts.is_of_this_history {
        causes.push(Diagnosis::new(
            Cause::OtherHistory,
            format!(
                "{} was filled from another history than the log has now",
                facts.generation
            ),
            "rebuild it with `coding-agent projections rebuild`, then drop this one",
        ));
    } else if facts.behind > 0 {
        causes.extend(why_behind(facts));
    }
    causes.extend(parked(facts));
    causes
}

fn why_behind(facts: &LagFacts) -> Vec<Diagnosis> {
    let (alive, silent): (Vec<&ProcessFacts>, Vec<_>) = facts
        .processes
        .iter()
        .partition(|process| process.seen_seconds_ago < SILENT_SECONDS);
    if facts.processes.is_empty() {
        return vec![no_process(facts)];
    }
    let mut causes: Vec<Diagnosis> = facts.waits.iter().map(|wait| waiting(facts, wait)).collect();
    causes.extend(silent.iter().map(|process| silence(process)));
    if !facts.unheld_partitions.is_empty() {
        causes.push(unheld(facts, !alive.is_empty()));
    }
    if alive.is_empty() || !causes.is_empty() {
        return causes;
    }
    if let Some(yielding) = yielding(facts).or_else(|| slowed(facts, &alive)) {
        return vec![yielding];
    }
    if facts.projected_per_second <= 0.0 && facts.behind_seconds >= ON_ITS_WAY_SECONDS {
        return vec![stands_still(facts)];
    }
    if facts.behind_seconds < ON_ITS_WAY_SECONDS {
        return vec![Diagnosis::new(
            Cause::OnItsWay,
            format!(
                "the {} records that are missing came in the last {:.1} s",
                facts.behind, facts.behind_seconds
            ),
            "nothing: this is the time that events take to become rows",
        )];
    }
    vec![too_slow(facts, &alive)]
}

fn no_process(facts: &LagFacts) -> Diagnosis {
    let remedy = if facts.is_ours {
        "start `coding-agent projector` or `coding-agent up` on this database".to_owned()
    } else {
        format!(
            "start the version of the software whose fingerprint is {}, or drop the generation when it is not needed to go back",
            facts.fingerprint
        )
    };
    Diagnosis::new(
        Cause::NoProcess,
        format!("no process follows {}", facts.generation),
        remedy,
    )
}

fn silence(process: &ProcessFacts) -> Diagnosis {
    Diagnosis::new(
        Cause::ProcessSilent,
        format!(
            "process {} ({}) holds {} partitions and has not looked in for {:.0} s",
            process.id, process.name, process.partitions, process.seen_seconds_ago
        ),
        "look at that process: if it hangs, end it; others take its partitions within seconds",
    )
}

fn unheld(facts: &LagFacts, somebody_lives: bool) -> Diagnosis {
    let partitions: Vec<String> = facts.unheld_partitions.iter().map(u32::to_string).collect();
    let remedy = if somebody_lives {
        "wait a few seconds, since processes that live take them; if nothing changes, look into their logs"
    } else {
        "start `coding-agent projector` or `coding-agent up` on this database"
    };
    Diagnosis::new(
        Cause::Unheld,
        format!("nobody holds partition {}", partitions.join(", ")),
        remedy,
    )
}

fn waiting(facts: &LagFacts, wait: &LockWait) -> Diagnosis {
    if wait.is_promoting {
        return Diagnosis::new(
            Cause::HeldByPromote,
            format!(
                "{} is held since {:.1} s by pid {}, which changes the generation that serves",
                facts.generation, wait.open_seconds, wait.blocked_by
            ),
            "wait: a promotion ends or gives up within two seconds",
        );
    }
    Diagnosis::new(
        Cause::LockWait,
        format!(
            "pid {} waits since {:.1} s for a lock of pid {} ({}), whose transaction is open since {:.1} s: {}",
            wait.pid, wait.seconds, wait.blocked_by, wait.application, wait.open_seconds, wait.doing
        ),
        format!(
            "let that session end its transaction, or end it with `select pg_terminate_backend({})`",
            wait.blocked_by
        ),
    )
}

/// Only while it is built.
fn yielding(facts: &LagFacts) -> Option<Diagnosis> {
    let serving = facts.serving.as_ref()?;
    (facts.state == "building" && serving.behind > facts.rebuild_yields_at).then(|| {
        Diagnosis::new(
            Cause::Yielding,
            format!(
                "{} stands still while {}, which serves, is {} records behind: more than projections.rebuild_yields_at = {}",
                facts.generation, serving.generation, serving.behind, facts.rebuild_yields_at
            ),
            format!(
                "see why that one is behind: `coding-agent projections explain-lag {}`",
                serving.generation
            ),
        )
    })
}

/// Only while it is built.
fn slowed(facts: &LagFacts, alive: &[&ProcessFacts]) -> Option<Diagnosis> {
    let share = alive.iter().filter_map(|process| process.timings.share_percent).min();
    let share = share.filter(|share| facts.state == "building" && *share < 100)?;
    Some(Diagnosis::new(
        Cause::SlowedForQueries,
        format!(
            "{} works {share} % of the time, because queries are slower than projections.rebuild_query_p99_ms",
            facts.generation
        ),
        "wait: it goes faster when queries do; they may be slow for another reason, see graphql_operation_seconds at /metrics",
    ))
}

fn stands_still(facts: &LagFacts) -> Diagnosis {
    Diagnosis::new(
        Cause::StandsStill,
        format!(
            "its process looks in, waits for no lock, and took nothing of the {} records that are missing since {:.0} s",
            facts.behind, facts.behind_seconds
        ),
        "look into its log: an error that is tried again, or one that needs a person, is told there with a code",
    )
}

/// It gets on, but not fast enough.
fn too_slow(facts: &LagFacts, alive: &[&ProcessFacts]) -> Diagnosis {
    let all = alive
        .iter()
        .fold(Timings::default(), |sum, process| sum.plus(&process.timings));
    let gains = facts.projected_per_second - facts.arrived_per_second;
    let pace = if gains > 0.0 {
        format!("level in about {:.0} s", precise(facts.behind) / gains)
    } else {
        "and falls behind further".to_owned()
    };
    let rates = format!(
        "{:.0} records/s are projected, {:.0} come, {pace}",
        facts.projected_per_second, facts.arrived_per_second
    );
    let longest = all.shares().next();
    let Some((stage, share)) = longest.filter(|_| all.idle_share() < MOSTLY_IDLE) else {
        return Diagnosis::new(
            Cause::CatchingUp,
            rates,
            "wait, and ask again: its processes have time left, or have not told yet where their time goes",
        );
    };
    let (cause, remedy) = remedy(stage);
    let sentence = format!("{rates}; {:.0} % of the working time goes into {stage}", share * 100.0);
    Diagnosis::new(cause, sentence, remedy)
}

fn remedy(stage: &str) -> (Cause, &'static str) {
    match stage {
        "fetch" => (
            Cause::Fetch,
            "the log is what is slow: look at the disk and processor of PostgreSQL or the brokers, and at the network between",
        ),
        "decode" => (
            Cause::Decode,
            "the processor is what is short: start another `coding-agent projector`, which takes half of the partitions",
        ),
        "apply" => (
            Cause::Apply,
            "the processor is what is short: start another `coding-agent projector`, which takes half of the partitions",
        ),
        "lock wait" => (
            Cause::CheckpointWait,
            "somebody holds its checkpoints again and again: look at pg_stat_activity for long transactions on schema control",
        ),
        "write" => (
            Cause::Write,
            "the database is what is slow: look at its processor and disk, and at read models with many indexes; larger transactions \
             (projections.batch_events) help where statements are small",
        ),
        _ => (
            Cause::Commit,
            "the disk of the database is what is slow: leave projections.synchronous_commit off, or make transactions larger \
             (projections.write_interval_ms)",
        ),
    }
}

fn parked(facts: &LagFacts) -> Option<Diagnosis> {
    let parked = &facts.parked;
    (parked.streams > 0).then(|| {
        let first = match (&parked.first, &parked.code) {
            (Some(stream), Some(code)) => format!(", the first one {stream} ({code})"),
            _ => String::new(),
        };
        Diagnosis::new(
            Cause::Parked,
            format!("{} streams stand still before an event that cannot be projected{first}", parked.streams),
            "see them with `coding-agent projections parked`, then retry them with a version that can, or discard the events",
        )
    })
}

#[allow(clippy::cast_precision_loss, reason = "an estimate for people")]
fn precise(records: u64) -> f64 {
    records as f64
}

#[cfg(test)]
mod tests;
