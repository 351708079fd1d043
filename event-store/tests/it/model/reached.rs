//! What must be possible, or a world is not worth exploring.

use stateright::Property;

use super::deciding::Entry;
use super::log::{Record, signed};
use super::properties::{is_done, times_done};
use super::protocol::Protocol;
use super::state::{Outcome, State, Step};

pub(super) const VOID: &str = "a record is void";
pub(super) const TOO_OLD: &str = "a record is void because it is too old";
pub(super) const DECIDED_AGAIN: &str = "a command is done after its first record was void";
pub(super) const DUPLICATE: &str = "a copy of an accepted record lands";
pub(super) const RETRY_IS_RECOGNISED: &str = "a retry is answered by what the first attempt did";
pub(super) const REFUSED: &str = "a command is refused";
pub(super) const STRICTLY_REFUSED: &str = "a command is strictly refused";
pub(super) const OVERTAKEN: &str = "an unanswered attempt succeeds after its retry was refused";
pub(super) const CRASHED: &str = "a node crashes and a command is done";
pub(super) const JOURNAL_BEHIND: &str = "the journal is behind where a reader began";
pub(super) const LOAD_WAITS: &str = "a load waits for the journal";
pub(super) const FENCE_VOIDS: &str = "a fence voids a commit";

pub(super) fn all() -> Vec<Property<Protocol>> {
    vec![
        sometimes(VOID, |_, state| state.judged.verdicts().contains(&false)),
        sometimes(TOO_OLD, |protocol, state| {
            let width = i64::try_from(protocol.scenario.width).unwrap();
            state
                .log
                .iter()
                .enumerate()
                .any(|(offset, record)| signed(offset) - record.seen > width)
        }),
        sometimes(DECIDED_AGAIN, decided_again),
        sometimes(DUPLICATE, |_, state| {
            let mut accepted = state.judged.accepted_offsets();
            accepted.any(|offset| state.log[offset + 1..].contains(&state.log[offset]))
        }),
        sometimes(RETRY_IS_RECOGNISED, |_, state| {
            state
                .answers
                .iter()
                .any(|answer| answer.outcome == Outcome::AlreadyDone)
        }),
        sometimes(REFUSED, |_, state| {
            state.answers.iter().any(|answer| answer.outcome == Outcome::Refused)
        }),
        sometimes(STRICTLY_REFUSED, |_, state| {
            state
                .answers
                .iter()
                .any(|answer| answer.outcome == Outcome::StrictlyRefused)
        }),
        sometimes(OVERTAKEN, |_, state| {
            let mut refused = state.answers.iter().filter(|answer| answer.outcome == Outcome::Refused);
            refused.any(|answer| times_done(state, answer) == 1)
        }),
        sometimes(CRASHED, |protocol, state| {
            state.left.crashes < protocol.scenario.chances.crashes && state.answers.iter().any(is_done)
        }),
        sometimes(JOURNAL_BEHIND, |_, state| {
            state.nodes.iter().any(|node| state.journal.next < node.reader.start())
        }),
        sometimes(LOAD_WAITS, |_, state| {
            let mut works = state.nodes.iter().filter_map(|node| node.work.as_ref());
            works.any(|work| work.step == Step::Load)
        }),
        sometimes(FENCE_VOIDS, fence_voids),
    ]
}

fn decided_again(_: &Protocol, state: &State) -> bool {
    let verdicts = || state.log.iter().zip(state.judged.verdicts());
    state
        .answers
        .iter()
        .filter(|answer| answer.outcome == Outcome::Done)
        .any(|answer| {
            let contains = |record: &Record| record.entries().contains(&Entry::Done(answer.command));
            verdicts().any(|(record, accepted)| !accepted && contains(record))
                && verdicts().any(|(record, accepted)| *accepted && contains(record))
        })
}

fn fence_voids(protocol: &Protocol, state: &State) -> bool {
    let width = i64::try_from(protocol.scenario.width).unwrap();
    let verdicts = state.log.iter().zip(state.judged.verdicts()).enumerate();
    verdicts.into_iter().any(|(offset, (record, accepted))| {
        let only_fences = || {
            let mut before = state.judged.accepted_offsets().take_while(|earlier| *earlier < offset);
            before.all(|earlier| signed(earlier) <= record.seen || state.log[earlier].is_fence())
        };
        !accepted && !record.is_fence() && signed(offset) - record.seen <= width && only_fences()
    })
}

fn sometimes(name: &'static str, condition: fn(&Protocol, &State) -> bool) -> Property<Protocol> {
    Property::sometimes(name, condition)
}
