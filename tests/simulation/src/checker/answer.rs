//! Every answer against the past of its stream.

use command_api::handling::{Answer, Certainty, Effect, Rejection};
use domain::StreamId;
use event_store::LogPosition;

use super::finality;
use super::stream::{Done, Moment, Past};
use super::truth::Truth;
use super::{Case, Checked, Violation};
use crate::history::{Attempt, Ended, Heard, History};
use crate::order::Simulated;
use crate::plan::Plan;

struct Check<'a, A> {
    number: usize,
    attempt: &'a Attempt,
    ended: &'a Ended,
    past: &'a Past<A>,
    plan: &'a Plan,
    checked: &'a mut Checked,
}

/// Checks the answers of all attempts on a stream.
pub(super) fn check<A: Simulated>(
    stream: &StreamId,
    past: &Past<A>,
    history: &History,
    plan: &Plan,
    checked: &mut Checked,
) {
    let of_stream = history.attempts.iter().enumerate();
    for (number, attempt) in of_stream.filter(|(_, attempt)| attempt.command.target.stream == *stream) {
        let Some(ended) = &attempt.ended else { continue };
        match &ended.heard {
            Heard::Nothing => checked.coverage.met(Case::NobodyAnswered),
            Heard::Answer(answer) => Check {
                number,
                attempt,
                ended,
                past,
                plan,
                checked,
            }
            .answer(answer),
        }
    }
}

impl<A: Simulated> Check<'_, A> {
    fn answer(&mut self, answer: &Result<Answer, Rejection>) {
        if let Some((told, is_final)) = finality::negative(answer) {
            if is_final {
                finality::check(self.number, self.attempt, self.ended, &told, self.past, self.checked);
                return;
            }
            if self.plan.handling.strict_rejections {
                self.checked.violations.push(Violation::NotFinal {
                    attempt: self.number,
                    stream: self.stream(),
                    answer: told.to_string(),
                    what: "such answers are to be final in this world".to_owned(),
                });
            }
        }
        match answer {
            Ok(Answer {
                effect: Effect::Done,
                revision,
                at,
                ..
            }) => self.done(*revision, *at),
            Ok(Answer {
                effect: Effect::AlreadyDone,
                revision,
                at,
                ..
            }) => {
                self.checked.coverage.met(Case::AlreadyDone);
                self.already_done(*revision, *at);
            }
            Ok(Answer {
                effect: Effect::NothingToDo,
                revision,
                ..
            }) => {
                self.checked.coverage.met(Case::NothingToDo);
                self.must_have_been_true(&format!("'nothing to do' at revision {revision:?}"), |truth, moment| {
                    matches!(truth, Truth::Nothing) && moment.revision == *revision
                });
            }
            Err(Rejection::Refused(refused)) => {
                self.checked.coverage.met(Case::Refused);
                self.must_have_been_true(
                    &format!("'refused: {}'", refused.code),
                    |truth, _| matches!(truth, Truth::Refused(true_one) if true_one == refused),
                );
            }
            Err(Rejection::Conflict { current, .. }) => {
                self.checked.coverage.met(Case::Conflict);
                self.must_have_been_true(&format!("'conflict, the revision is {current:?}'"), |truth, moment| {
                    matches!(truth, Truth::Conflict) && moment.revision == *current
                });
            }
            Err(Rejection::KeyReused) => {
                self.checked.coverage.met(Case::KeyReused);
                self.must_have_been_true("'this id was used with other content'", |truth, _| {
                    matches!(truth, Truth::KeyReused)
                });
            }
            Err(Rejection::TooLarge { bytes, limit }) => {
                self.checked.coverage.met(Case::TooLarge);
                self.must_not_have_happened("'too large'");
                if *limit != self.plan.record_limit || bytes <= limit {
                    self.untrue(&format!("'{bytes} bytes are too large for {limit}'"));
                }
            }
            Err(Rejection::Unavailable {
                certainty,
                code,
                reason,
            }) => self.unavailable(*certainty, code, reason),
            Err(Rejection::Failed { code, reason }) => self.defect(&format!("{code}: {reason}")),
        }
    }

    fn unavailable(&mut self, certainty: Certainty, code: &str, reason: &str) {
        match code {
            "log.backpressure" | "command.queue-full" => self.checked.coverage.met(Case::BackPressure),
            "log.unavailable" | "log.outcome-unknown" | "command.contended" => {}
            // No history is harmed here, no worker ends early, and nothing was written by a newer version.
            _ => self.defect(&format!("{code}: {reason}")),
        }
        match certainty {
            Certainty::Unknown => self.checked.coverage.met(Case::UnknownOutcome),
            Certainty::NotApplied => {
                self.checked.coverage.met(Case::NotApplied);
                self.must_not_have_happened(&format!("'not applied' ({code})"));
            }
        }
    }

    fn done(&mut self, revision: Option<u64>, at: Option<LogPosition>) {
        let Some(done) = self.past.done.iter().find(|done| done.attempt == self.number) else {
            let (attempt, stream) = (self.number, self.stream());
            return self.checked.violations.push(Violation::Lost { attempt, stream });
        };
        let (offset, began, ended) = (done.at.offset, self.attempt.began, self.ended.length);
        if offset < began || offset >= ended {
            let (attempt, stream) = (self.number, self.stream());
            self.checked.violations.push(Violation::OutOfTime {
                attempt,
                stream,
                offset,
                began,
                ended,
            });
        }
        self.must_name(done, revision, at, at == Some(done.at));
    }

    fn already_done(&mut self, revision: Option<u64>, at: Option<LogPosition>) {
        let command = &self.attempt.command;
        let (scoped, hash) = (command.scoped(), command.hash);
        let same = |done: &&Done| done.scoped == scoped && done.hash == hash && done.at.offset < self.ended.length;
        match self.past.done.iter().find(same) {
            None => self.untrue("'already done'"),
            Some(done) => {
                let place = |at: LogPosition| (at.partition, at.offset);
                self.must_name(done, revision, at, at.map(place) == Some(place(done.at)));
            }
        }
        self.must_not_have_happened("'already done'");
    }

    fn must_name(&mut self, done: &Done, revision: Option<u64>, at: Option<LogPosition>, same_place: bool) {
        if revision != Some(done.revision) || !same_place {
            self.checked.violations.push(Violation::WrongPlace {
                attempt: self.number,
                stream: self.stream(),
                told: revision,
                told_at: format!("{at:?}"),
                found: done.revision,
                found_at: format!("{:?}", done.at),
            });
        }
    }

    /// Was the answer true at some moment between the start and the end of the attempt? And had it no effect?
    fn must_have_been_true(&mut self, answer: &str, is_so: impl Fn(&Truth, &Moment<A>) -> bool) {
        let holds = |began: u64, ended: u64| {
            let moments = self
                .past
                .moments
                .iter()
                .filter(|moment| moment.was_between(began, ended));
            moments.into_iter().any(|moment| {
                self.past
                    .truth(moment, self.attempt)
                    .is_some_and(|truth| is_so(&truth, moment))
            })
        };
        let (began, ended) = (self.attempt.began, self.ended.length);
        if !holds(began, ended) {
            match self.ended.stale_end {
                Some(stale_end) if holds(began.min(stale_end), ended) => self.checked.coverage.met(Case::OldRefusal),
                _ => self.untrue(answer),
            }
        }
        self.must_not_have_happened(answer);
    }

    fn must_not_have_happened(&mut self, answer: &str) {
        if let Some(done) = self.past.done.iter().find(|done| done.attempt == self.number) {
            self.checked.violations.push(Violation::HappenedAllTheSame {
                attempt: self.number,
                stream: self.stream(),
                answer: answer.to_owned(),
                offset: done.at.offset,
            });
        }
    }

    fn untrue(&mut self, answer: &str) {
        self.checked.violations.push(Violation::Untrue {
            attempt: self.number,
            stream: self.stream(),
            answer: answer.to_owned(),
            began: self.attempt.began,
            ended: self.ended.length,
        });
    }

    fn defect(&mut self, what: &str) {
        self.checked.violations.push(Violation::Defect {
            attempt: Some(self.number),
            what: what.to_owned(),
        });
    }

    fn stream(&self) -> String {
        self.attempt.command.target.stream.to_string()
    }
}
