//! Numbers out of the clients' log.

use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::{Attempt, Outcome};
use crate::evidence::{Latency, LoadEvidence, RoundEvidence};

pub(crate) fn of_load(attempts: &[Attempt], rounds: &[RoundEvidence]) -> LoadEvidence {
    let mut by_outcome = BTreeMap::new();
    let mut uncertain = BTreeMap::new();
    let (mut calm, mut under_fault) = (Vec::new(), Vec::new());
    let commands: BTreeSet<_> = attempts
        .iter()
        .map(|attempt| (attempt.principal, &attempt.command_id))
        .collect();
    let streams: BTreeSet<_> = attempts.iter().filter_map(|attempt| attempt.stream.as_ref()).collect();
    for attempt in attempts {
        *by_outcome.entry(attempt.outcome.name()).or_default() += 1;
        if let Outcome::NotApplied { code } | Outcome::Unknown { code } = &attempt.outcome {
            *uncertain
                .entry(format!("{}: {code}", attempt.outcome.name()))
                .or_default() += 1;
            continue;
        }
        let took = attempt.ended_at.saturating_sub(attempt.started_at);
        if rounds.iter().any(|round| meets(attempt, round)) {
            under_fault.push(took);
        } else {
            calm.push(took);
        }
    }
    LoadEvidence {
        commands: commands.len(),
        streams: streams.len(),
        attempts: by_outcome,
        uncertain,
        calm: latency(calm),
        under_fault: latency(under_fault),
    }
}

/// The longest time from the end of a round until a command was done, in seconds.
pub(crate) fn longest_wait(attempts: &[Attempt], rounds: &[RoundEvidence]) -> f64 {
    let mut done: Vec<u64> = attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, Outcome::Done { .. }))
        .map(|attempt| attempt.ended_at)
        .collect();
    done.sort_unstable();
    let waits = rounds.iter().filter_map(|round| {
        let next = done.get(done.partition_point(|ended| *ended < round.healed_at))?;
        Some(seconds(next - round.healed_at))
    });
    waits.fold(0.0, f64::max)
}

/// Was it under way while the round's faults were there, or nothing had been done after them?
fn meets(attempt: &Attempt, round: &RoundEvidence) -> bool {
    let recovered = round
        .seconds_until_done
        .map_or(u64::MAX, |wait| round.healed_at.saturating_add(micros(wait)));
    attempt.started_at <= recovered && attempt.ended_at >= round.struck_at
}

fn latency(mut took: Vec<u64>) -> Latency {
    took.sort_unstable();
    let at = |hundredth: usize| {
        let index = (took.len() * hundredth).div_ceil(100).saturating_sub(1);
        took.get(index).map_or(0.0, |took| seconds(*took) * 1e3)
    };
    Latency {
        answers: took.len(),
        p50_ms: at(50),
        p99_ms: at(99),
    }
}

#[allow(clippy::cast_precision_loss)] // Microseconds of a campaign are exact in a float.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Seconds of a wait are few and not negative.
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_met() {
        let latency = latency((1..=200).map(|milliseconds| milliseconds * 1_000).collect());
        assert_eq!((latency.answers, latency.p50_ms, latency.p99_ms), (200, 100.0, 198.0));
        assert_eq!(super::latency(Vec::new()).answers, 0);
    }
}
