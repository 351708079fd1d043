//! Negative answers that are recorded in the log: true where they stand, repeated as they stand, and never overtaken.

use command_api::handling::{Answer, Effect, Rejection};
use domain::StreamId;
use serde_json::{Value, json};

use super::stream::{Past, Recorded};
use super::truth::Truth;
use super::{Case, Checked, Violation};
use crate::history::{Attempt, Ended, History};
use crate::order::Simulated;

/// An answer of "no", as clients hear it, in the words of the log. None for other answers.
pub(super) fn negative(answer: &Result<Answer, Rejection>) -> Option<(Value, bool)> {
    match answer {
        Ok(Answer {
            effect: Effect::NothingToDo,
            revision,
            is_final,
            ..
        }) => Some((json!({"answer": "nothing-to-do", "revision": revision}), *is_final)),
        Err(Rejection::Conflict { current, is_final }) => {
            Some((json!({"answer": "conflict", "current": current}), *is_final))
        }
        Err(Rejection::Refused(refused)) => {
            Some((json!({"answer": "refused", "code": refused.code}), refused.is_final))
        }
        _ => None,
    }
}

/// What was recorded must have been true right before it was.
pub(super) fn check_recorded<A: Simulated>(
    stream: &StreamId,
    past: &Past<A>,
    history: &History,
    checked: &mut Checked,
) {
    for recorded in &past.recorded {
        let offset = recorded.offset;
        let attempt = history.attempts.iter().find(|attempt| is_of(recorded, attempt));
        let is_true = attempt.is_some_and(|attempt| {
            let moments = past.moments.iter().filter(|moment| moment.was_between(offset, offset));
            moments.into_iter().any(|moment| {
                let told = match past.truth(moment, attempt) {
                    Some(Truth::Nothing) => json!({"answer": "nothing-to-do", "revision": moment.revision}),
                    Some(Truth::Conflict) => json!({"answer": "conflict", "current": moment.revision}),
                    Some(Truth::Refused(refused)) => json!({"answer": "refused", "code": refused.code}),
                    _ => return false,
                };
                agrees(recorded, &told)
            })
        });
        if !is_true {
            checked.violations.push(Violation::RecordedUntrue {
                stream: stream.to_string(),
                offset,
                answer: recorded.rejection.answer.to_string(),
            });
        }
    }
}

/// A final answer stands in the log, with the same words, and its command never happened.
pub(super) fn check<A: Simulated>(
    number: usize,
    attempt: &Attempt,
    ended: &Ended,
    told: &Value,
    past: &Past<A>,
    checked: &mut Checked,
) {
    checked.coverage.met(Case::FinalAnswer);
    let mut broken = |what: String| {
        checked.violations.push(Violation::NotFinal {
            attempt: number,
            stream: attempt.command.target.stream.to_string(),
            answer: told.to_string(),
            what,
        });
    };
    let mut of_command = past.recorded.iter().filter(|recorded| is_of(recorded, attempt));
    match of_command.next() {
        Some(recorded) if recorded.offset < ended.length => {
            if !agrees(recorded, told) {
                broken(format!("the log has {}", recorded.rejection.answer));
            }
            if recorded.offset < attempt.began {
                checked.coverage.met(Case::FinalAnswerRepeated);
            }
        }
        _ => broken("it was said to be final and is not in the log".to_owned()),
    }
    let scoped = attempt.command.scoped();
    if let Some(done) = past.done.iter().find(|done| done.scoped == scoped) {
        checked.violations.push(Violation::NotFinal {
            attempt: number,
            stream: attempt.command.target.stream.to_string(),
            answer: told.to_string(),
            what: format!(
                "it was said to be final, and the command happened at offset {}",
                done.at.offset
            ),
        });
    }
}

fn is_of(recorded: &Recorded, attempt: &Attempt) -> bool {
    let command = &attempt.command;
    recorded.rejection.command == command.scoped() && recorded.rejection.command_hash == command.hash
}

/// The log may say more than what is compared.
fn agrees(recorded: &Recorded, told: &Value) -> bool {
    told.as_object().is_some_and(|told| {
        told.iter()
            .all(|(name, value)| recorded.rejection.answer.get(name) == Some(value))
    })
}
