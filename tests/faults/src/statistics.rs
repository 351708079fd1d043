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

/// Fills in for each round the longest time without a command done.
pub(crate) fn find_silences(attempts: &[Attempt], rounds: &mut [RoundEvidence]) {
    let done = done(attempts);
    for round in rounds {
        let end = round.healed_at + micros(round.seconds_until_done.unwrap_or_default());
        let from = done.partition_point(|ended| *ended < round.struck_at);
        let to = done.partition_point(|ended| *ended < end);
        let within = done.get(from..to).unwrap_or_default();
        let moments = std::iter::once(&round.struck_at).chain(within);
        let gaps = moments.zip(within.iter().chain(std::iter::once(&end)));
        round.longest_silence = gaps
            .map(|(one, next)| seconds(next.saturating_sub(*one)))
            .fold(0.0, f64::max);
    }
}

/// When commands were done, in order.
fn done(attempts: &[Attempt]) -> Vec<u64> {
    let done = attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, Outcome::Done { .. }));
    let mut done: Vec<u64> = done.map(|attempt| attempt.ended_at).collect();
    done.sort_unstable();
    done
}

/// The longest time from the end of a round until a command was done, in seconds.
pub(crate) fn longest_wait(attempts: &[Attempt], rounds: &[RoundEvidence]) -> f64 {
    let done = done(attempts);
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
    fn the_longest_silence_of_a_round_counts_from_its_strike_to_its_recovery() {
        let attempt = |ended_at| Attempt {
            client: String::new(),
            started_at: 0,
            ended_at,
            principal: uuid::Uuid::nil(),
            command_id: "k".to_owned(),
            content_hash: String::new(),
            command: String::new(),
            stream: None,
            expected_revision: None,
            outcome: Outcome::Done {
                revision: 0,
                replayed: false,
            },
        };
        let attempts: Vec<Attempt> = [500_000, 9_000_000, 3_000_000, 5_500_000].map(attempt).into();
        let round = RoundEvidence {
            strikes: Vec::new(),
            struck_at: 2_000_000,
            healed_at: 5_000_000,
            seconds_until_done: Some(1.0),
            longest_silence: 0.0,
        };
        let mut rounds = [
            round.clone(),
            RoundEvidence {
                healed_at: 8_000_000,
                ..round
            },
        ];
        find_silences(&attempts, &mut rounds);
        assert_eq!(
            rounds.map(|round| micros(round.longest_silence)),
            [2_500_000, 3_500_000]
        );
    }

    #[test]
    fn percentiles_are_values_that_were_met() {
        let latency = latency((1..=200).map(|milliseconds| milliseconds * 1_000).collect());
        assert_eq!((latency.answers, latency.p50_ms, latency.p99_ms), (200, 100.0, 198.0));
        assert_eq!(super::latency(Vec::new()).answers, 0);
    }
}
