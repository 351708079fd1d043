//! Nothing acknowledged is lost, nothing is doubled, nothing refused is there.

use super::attempts::{Attempt, ClientCommand, Ending};
use super::{ClientsCheck, ClientsReport, Occurrence};
use crate::history::verify::finding::{Code, Findings};

pub(super) fn check(clients: &ClientsCheck, findings: &mut Findings, report: &mut ClientsReport) {
    for (command, number) in clients.attempts.commands.iter().zip(0..) {
        let checked = Checked {
            clients,
            command,
            occurrences: clients.occurrences(number),
        };
        checked.acknowledged(findings);
        checked.done_once(findings);
        checked.placed_once(findings);
        checked.remembered(findings);
        checked.refused(findings, report);
    }
}

/// One command, its attempts and where the log has it.
struct Checked<'a> {
    clients: &'a ClientsCheck,
    command: &'a ClientCommand,
    occurrences: &'a [Occurrence],
}

impl<'a> Checked<'a> {
    fn attempts(&self) -> impl Iterator<Item = &'a Attempt> + Clone {
        self.clients.attempts.of(self.command)
    }

    fn done(&self) -> impl Iterator<Item = (&'a Attempt, u64, bool)> + Clone {
        self.attempts().filter_map(|attempt| match attempt.outcome {
            Ending::Done { revision, replayed } => Some((attempt, revision, replayed)),
            _ => None,
        })
    }

    fn add(&self, findings: &mut Findings, code: Code, attempt: &Attempt, sentence: String) {
        findings.add(self.clients.attempts.finding(code, attempt, sentence));
    }

    /// Each "done" is in the log, on its stream, at its revision, on top of the revision that was named.
    fn acknowledged(&self, findings: &mut Findings) {
        for (attempt, revision, replayed) in self.done() {
            let on_stream = self
                .occurrences
                .iter()
                .filter(|occurrence| attempt.stream.is_none_or(|stream| stream == occurrence.stream));
            let Some(nearest) = on_stream.clone().min_by_key(|there| there.last.abs_diff(revision)) else {
                let sentence = format!("it was told to be done at revision {revision}, and the log does not have it");
                self.add(findings, Code::AckedLost, attempt, sentence);
                continue;
            };
            if nearest.last != revision {
                let (code, whose) = if replayed {
                    (Code::ReplayDiffers, "its repetition")
                } else {
                    (Code::WrongRevision, "it")
                };
                let sentence = format!(
                    "{whose} was told to be done at revision {revision}, and the log has it at {}",
                    nearest.last
                );
                self.add(findings, code, attempt, sentence);
                continue;
            }
            if let (Some(expected), false) = (attempt.expected, replayed)
                && nearest.first != expected + 1
            {
                let sentence = format!(
                    "it was done for a client that had seen revision {expected}, and begins at revision {}",
                    nearest.first
                );
                self.add(findings, Code::ExpectationIgnored, attempt, sentence);
            }
        }
    }

    /// Of all attempts one did it; the others repeat its answer. Of all contents under the id, one was done.
    fn done_once(&self, findings: &mut Findings) {
        let Some((first, _, _)) = self.done().next() else {
            return;
        };
        if let Some((other, ..)) = self.done().find(|(attempt, ..)| !attempt.same_content(first)) {
            let sentence = "two contents under one command id were both told to be done".to_owned();
            self.add(findings, Code::TwoContentsDone, other, sentence);
            return;
        }
        let mut own = self.done().filter(|(_, _, replayed)| !replayed);
        if let (Some((one, ..)), Some((another, ..))) = (own.next(), own.next())
            && one.stream == another.stream
        {
            let sentence = "two attempts were both told that they did it, not that an earlier one had".to_owned();
            self.add(findings, Code::DoneTwice, another, sentence);
        }
    }

    /// It happened on streams that its client named; on at most one when the client did not know its name. Twice on one stream is found
    /// where the stream is checked.
    fn placed_once(&self, findings: &mut Findings) {
        let named = |stream: usize| self.attempts().any(|attempt| attempt.stream == Some(stream));
        let nameless = self.attempts().any(|attempt| attempt.stream.is_none());
        let mut strange = self.occurrences.iter().filter(|there| !named(there.stream));
        let (Some(there), Some(attempt)) = (strange.next(), self.attempts().next()) else {
            return;
        };
        let anywhere_else = self.occurrences.iter().any(|other| other.stream != there.stream);
        if !nameless || anywhere_else {
            let stream = self.clients.attempts.stream_name(there.stream);
            let sentence = format!("it happened on stream {stream} at revision {} as well", there.last);
            self.add(findings, Code::Doubled, attempt, sentence);
        }
    }

    /// Who comes after the answer gets the answer.
    fn remembered(&self, findings: &mut Findings) {
        for attempt in self.attempts() {
            let answered_otherwise = matches!(
                attempt.outcome,
                Ending::Refused { .. } | Ending::Conflict { .. } | Ending::Nothing { .. }
            );
            let earlier = || {
                self.done().find(|(done, ..)| {
                    done.ended < attempt.started && done.stream == attempt.stream && done.same_content(attempt)
                })
            };
            if answered_otherwise && let Some((_, revision, _)) = earlier() {
                let sentence = format!("it was done at revision {revision}, and this later attempt was told otherwise");
                self.add(findings, Code::Forgotten, attempt, sentence);
            }
        }
    }

    /// What was refused with certainty, every time, has not happened. What may have happened is counted.
    fn refused(&self, findings: &mut Findings, report: &mut ClientsReport) {
        let final_refusal = self
            .attempts()
            .find(|attempt| matches!(attempt.outcome, Ending::Refused { is_final: true }));
        if let (Some(there), Some(attempt)) = (self.occurrences.first(), final_refusal)
            && self.done().all(|(done, ..)| done.same_content(attempt))
        {
            let sentence = format!("it was refused for good, and the log has it at revision {}", there.last);
            self.add(findings, Code::FinalRefusalPresent, attempt, sentence);
            return;
        }
        if self.done().next().is_some() {
            return;
        }
        if self.attempts().any(Attempt::may_have_happened) {
            if self.occurrences.is_empty() {
                report.uncertain_that_did_not += 1;
            } else {
                report.uncertain_that_happened += 1;
            }
        } else if let (Some(there), Some(attempt)) = (self.occurrences.first(), self.attempts().last()) {
            let sentence = format!(
                "all its attempts were told for certain that it was not done, and the log has it at revision {}",
                there.last
            );
            self.add(findings, Code::RefusedPresent, attempt, sentence);
        }
    }
}
