//! Each stream is linearizable: a command that began after another one was answered comes after it.
//!
//! A command took effect somewhere between the start of its first attempt that may have done it and the first answer that said so. On one
//! stream these moments must lie in the order of revisions, so it is wrong if and only if a command was answered before one with a lower
//! revision began.

use super::attempts::{Attempt, Ending};
use super::{ClientsCheck, Occurrence};
use crate::history::verify::finding::{Code, Findings};

/// A command on one stream, and when it can have taken effect.
struct Effect<'a> {
    revision: u64,
    /// Not before.
    started: u64,
    /// Not after; none when nobody was answered.
    answered: Option<(u64, &'a Attempt)>,
    attempt: &'a Attempt,
}

pub(super) fn check(clients: &ClientsCheck, findings: &mut Findings) {
    let mut streams: Vec<Vec<Effect<'_>>> = Vec::new();
    streams.resize_with(clients.attempts.streams.len(), Vec::new);
    for (command, number) in clients.attempts.commands.iter().zip(0..) {
        for there in clients.occurrences(number) {
            let attempts = clients.attempts.of(command);
            if let (Some(effect), Some(stream)) = (effect(there, attempts), streams.get_mut(there.stream)) {
                stream.push(effect);
            }
        }
    }
    for effects in &mut streams {
        check_stream(clients, effects, findings);
    }
}

fn effect<'a>(there: &Occurrence, attempts: impl Iterator<Item = &'a Attempt> + Clone) -> Option<Effect<'a>> {
    let candidates = attempts
        .filter(|attempt| attempt.may_have_happened() && attempt.stream.is_none_or(|stream| stream == there.stream));
    let own = |attempt: &Attempt| matches!(attempt.outcome, Ending::Done { replayed: false, .. });
    // Who was told that it did it itself did it; otherwise any of those that may have.
    let first = candidates
        .clone()
        .filter(|attempt| own(attempt))
        .chain(candidates.clone().filter(|_| !candidates.clone().any(own)))
        .min_by_key(|attempt| attempt.started)?;
    let answered = candidates
        .filter(|attempt| matches!(attempt.outcome, Ending::Done { revision, .. } if revision == there.last))
        .min_by_key(|attempt| attempt.ended)
        .map(|attempt| (attempt.ended, attempt));
    Some(Effect {
        revision: there.last,
        started: first.started,
        answered,
        attempt: first,
    })
}

fn check_stream<'a>(clients: &'a ClientsCheck, effects: &mut [Effect<'a>], findings: &mut Findings) {
    effects.sort_by_key(|effect| effect.revision);
    // The earliest answer among those with higher revisions.
    let mut earliest: Option<(u64, &Effect<'_>)> = None;
    for effect in effects.iter().rev() {
        if let Some((answered, later)) = earliest
            && answered < effect.started
        {
            let sentence = format!(
                "it began {} microseconds after the command at revision {} was answered, and has revision {}",
                effect.started - answered,
                later.revision,
                effect.revision
            );
            let mut finding = clients.attempts.finding(Code::Order, effect.attempt, sentence);
            finding.place.revision = Some(effect.revision);
            findings.add(finding);
        }
        if let Some((answered, _)) = effect.answered
            && earliest.is_none_or(|(known, _)| answered < known)
        {
            earliest = Some((answered, effect));
        }
    }
}
