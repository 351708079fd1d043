//! What must be true of a world, whatever went wrong in it.
//!
//! The checker sees the records of the log, the journal, and what clients heard. It judges the log a second time
//! ([`judge`]), by the sentence of the rule and with no code of the store but the decoding of records. Then it folds each
//! stream ([`stream`]): every accepted commit must hold what its commands cause on the history before. Then it looks at each
//! answer ([`answer`]): done must be in the log once; "no", "nothing to do" and "conflict" must have been true at some moment
//! between the start and the end of the attempt; what was answered without effect must not be there;
//! what was said to be final must be recorded, true where it stands, and never overtaken ([`finality`]). At last all readers and
//! the journal must tell the history that it has found ([`reader`]).
//!
//! Where [the promise](../../../docs/the-log.md) is weaker, so is the checker, and nowhere else: a node that asked a deposed leader may
//! refuse on a state that was current when that leader was deposed.

use domain::conversation::Conversation;
use domain::task::Task;
use domain::{Aggregate, StreamId};

use crate::coverage::{Case, Coverage};
use crate::history::{History, attempt_of};
use crate::order::Simulated;
use crate::plan::Plan;
use crate::world::Observed;

mod answer;
mod fence;
mod finality;
mod judge;
mod reader;
mod stream;
mod truth;
mod violation;

pub use violation::Violation;

use judge::{Judged, Kind, Verdict};
use stream::Past;

/// What the checker found.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) violations: Vec<Violation>,
    pub(crate) coverage: Coverage,
    /// Accepted commits.
    pub(crate) commits: u64,
    /// Every record with its verdict, for people.
    pub(crate) log: Vec<String>,
}

/// Checks everything.
pub(crate) fn check(plan: &Plan, history: &History, observed: &Observed) -> Checked {
    let mut checked = Checked::default();
    let judged: Vec<Judged> = observed
        .records
        .iter()
        .flat_map(|records| judge::judge(records, plan.window))
        .collect();
    checked.log = judged.iter().map(ToString::to_string).collect();
    cases_of_the_log(&judged, &mut checked);
    fence::check(&judged, history, &mut checked);
    let mut streams: Vec<StreamId> = history
        .attempts
        .iter()
        .map(|attempt| attempt.command.target.stream.clone())
        .collect();
    streams.sort();
    streams.dedup();
    for stream in &streams {
        if stream.category() == Conversation::CATEGORY {
            check_stream::<Conversation>(stream, &judged, history, plan, &mut checked);
        } else {
            check_stream::<Task>(stream, &judged, history, plan, &mut checked);
        }
    }
    reader::check(&judged, observed, &mut checked);
    if !observed.quiet {
        checked.violations.push(Violation::NotQuiet);
    }
    for command in &history.unanswered {
        checked.violations.push(Violation::NoFinalAnswer {
            command: command.clone(),
        });
    }
    checked
}

fn check_stream<A: Simulated>(
    stream: &StreamId,
    judged: &[Judged],
    history: &History,
    plan: &Plan,
    checked: &mut Checked,
) {
    let past = Past::<A>::of(stream, judged, history, checked);
    finality::check_recorded(stream, &past, history, checked);
    answer::check(stream, &past, history, plan, checked);
}

fn cases_of_the_log(judged: &[Judged], checked: &mut Checked) {
    let mut ids = std::collections::BTreeSet::new();
    let mut records_of_attempt = std::collections::BTreeMap::<usize, usize>::new();
    for record in judged {
        let Kind::Commit {
            id, commands, is_fence, ..
        } = &record.kind
        else {
            continue;
        };
        if !ids.insert(*id) {
            checked.coverage.met(Case::DuplicateLanded);
            continue;
        }
        for attempt in commands.iter().filter_map(|correlation| attempt_of(correlation)) {
            *records_of_attempt.entry(attempt).or_insert(0) += 1;
        }
        match record.verdict {
            Verdict::Accepted if *is_fence => {}
            Verdict::Accepted => {
                checked.commits += 1;
                if commands.len() > 1 {
                    checked.coverage.met(Case::SeveralInOneCommit);
                }
            }
            Verdict::Superseded { by_fence: true, .. } => checked.coverage.met(Case::FencedOut),
            Verdict::Superseded { .. } => checked.coverage.met(Case::Superseded),
            Verdict::TooOld => checked.coverage.met(Case::WindowExpired),
            Verdict::NoCommit => {}
        }
    }
    let again = records_of_attempt.values().filter(|records| **records > 1).count();
    checked.coverage.add(Case::DecidedAgain, again as u64);
}
