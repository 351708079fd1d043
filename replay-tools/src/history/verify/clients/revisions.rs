//! A conflict, or "nothing to do", names the revision of its stream at some moment of the attempt.
//!
//! It can be no lower than any revision that was answered on the stream before the attempt began. It must be one that the stream had
//! between two commands. And the command that led there must have begun before the attempt ended.

use super::ClientsCheck;
use super::attempts::{Attempt, Ending};
use crate::history::verify::finding::{Code, Findings};

pub(super) fn check(clients: &ClientsCheck, findings: &mut Findings) {
    let acknowledged = Acknowledged::of(clients);
    for attempt in &clients.attempts.all {
        let (Ending::Conflict { current: named } | Ending::Nothing { revision: named }) = attempt.outcome else {
            continue;
        };
        let Some(stream) = attempt.stream else {
            continue;
        };
        let fault = acknowledged
            .contradicts(stream, attempt, named)
            .or_else(|| named.and_then(|revision| not_yet(clients, stream, attempt, revision)))
            .or_else(|| same_as_expected(attempt, named));
        if let Some(fault) = fault {
            let told = named.map_or_else(|| "no revision".to_owned(), |revision| format!("revision {revision}"));
            let sentence = format!("it was told {told}, {fault}");
            let mut finding = clients.attempts.finding(Code::ImpossibleRevision, attempt, sentence);
            finding.place.revision = named;
            findings.add(finding);
        }
    }
}

fn not_yet(clients: &ClientsCheck, stream: usize, attempt: &Attempt, revision: u64) -> Option<String> {
    let reached = clients.reached.get(stream).map_or(&[][..], Vec::as_slice);
    let Ok(place) = reached.binary_search_by_key(&revision, |reached| reached.revision) else {
        return Some("which no command of the stream led to".to_owned());
    };
    let by = reached.get(place).and_then(|reached| reached.by)?;
    let command = clients.attempts.commands.get(by)?;
    let began = clients.attempts.of(command).map(|attempt| attempt.started).min()?;
    (began > attempt.ended).then(|| {
        let late = began - attempt.ended;
        format!("and the command that led there began {late} microseconds after this answer")
    })
}

fn same_as_expected(attempt: &Attempt, named: Option<u64>) -> Option<String> {
    let conflicts = matches!(attempt.outcome, Ending::Conflict { .. });
    (conflicts && named.is_some() && attempt.expected == named).then(|| "which is the one that it expected".to_owned())
}

/// For each stream the ends of acknowledged attempts, and the highest revision acknowledged until then.
struct Acknowledged(Vec<Vec<(u64, u64)>>);

impl Acknowledged {
    fn of(clients: &ClientsCheck) -> Self {
        let mut streams = vec![Vec::new(); clients.attempts.streams.len()];
        for attempt in &clients.attempts.all {
            if let (Some(stream), Ending::Done { revision, .. }) = (attempt.stream, attempt.outcome)
                // What the log does not have is another finding.
                && clients.occurrences(attempt.command).iter().any(|there| there.stream == stream && there.last == revision)
                && let Some(ends) = streams.get_mut(stream)
            {
                ends.push((attempt.ended, revision));
            }
        }
        for ends in &mut streams {
            ends.sort_unstable();
            let mut highest = 0;
            for (_, revision) in ends {
                highest = highest.max(*revision);
                *revision = highest;
            }
        }
        Self(streams)
    }

    fn contradicts(&self, stream: usize, attempt: &Attempt, named: Option<u64>) -> Option<String> {
        let ends = self.0.get(stream)?;
        let before = ends.partition_point(|(ended, _)| *ended < attempt.started);
        let (_, highest) = ends.get(before.checked_sub(1)?)?;
        named
            .is_none_or(|named| named < *highest)
            .then(|| format!("although revision {highest} had been answered before it began"))
    }
}
