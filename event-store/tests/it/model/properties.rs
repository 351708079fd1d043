//! What must always hold.

use std::sync::Arc;

use stateright::Property;

use super::deciding::{Entry, revision};
use super::log::{Content, Record, by_the_sentence, signed};
use super::mutant::Mutant;
use super::protocol::Protocol;
use super::state::{Answer, Outcome, State};

pub(super) const BY_THE_SENTENCE: &str = "the production rule says what its sentence says";
pub(super) const READERS_AGREE: &str = "all readers agree, wherever they began";
pub(super) const EXACT_HISTORY: &str = "an accepted record was decided on exactly the history that it extends";
pub(super) const CONTIGUOUS: &str = "revisions are contiguous";
pub(super) const VOID_FOR_EVER: &str = "no copy of a void record is accepted later";
pub(super) const FENCES_HOLD: &str = "what had not seen a fence is not accepted after it";
pub(super) const ONCE: &str = "a command is in history at most once";
pub(super) const DONE_IS_HISTORY: &str = "what was acknowledged is in history";
pub(super) const DONE_ONCE: &str = "a command is acknowledged as newly done at most once";
pub(super) const REFUSAL_WAS_TRUE: &str = "a refusal was true at some moment of its attempt";
pub(super) const REFUSAL_BINDS: &str = "a refused command that was sent once never happens";
pub(super) const STRICT_REFUSAL_BINDS: &str = "a strictly refused command never happens";

pub(super) fn all(mutant: Option<Mutant>) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        always(READERS_AGREE, |_, state| !state.disagreed),
        always(EXACT_HISTORY, exact_history),
        always(CONTIGUOUS, contiguous),
        always(VOID_FOR_EVER, void_for_ever),
        always(FENCES_HOLD, fences_hold),
        always(ONCE, once),
        always(DONE_IS_HISTORY, |_, state| {
            state
                .answers
                .iter()
                .filter(|answer| is_done(answer))
                .all(|answer| times_done(state, answer) == 1)
        }),
        always(DONE_ONCE, done_once),
        always(REFUSAL_WAS_TRUE, |_, state| {
            state.answers.iter().all(|answer| answer.was_true)
        }),
        always(REFUSAL_BINDS, refusal_binds),
        always(STRICT_REFUSAL_BINDS, |_, state| {
            let strict = |answer: &&Answer| answer.outcome == Outcome::StrictlyRefused;
            state
                .answers
                .iter()
                .filter(strict)
                .all(|answer| times_done(state, answer) == 0)
        }),
    ];
    // A bent rule says something else, of course; the question is whom that harms.
    if !mutant.is_some_and(Mutant::bends_the_rule) {
        properties.push(always(BY_THE_SENTENCE, |protocol, state| {
            state.judged.verdicts() == by_the_sentence(&state.log, protocol.scenario.width)
        }));
    }
    properties
}

fn exact_history(_: &Protocol, state: &State) -> bool {
    state.judged.accepted_offsets().all(|offset| {
        let record = &state.log[offset];
        let rests_on_state = matches!(record.content, Content::Commit { .. } | Content::Refusal(_));
        !rests_on_state || record.decided_on == state.history_within(offset, record.stream)
    })
}

fn contiguous(_: &Protocol, state: &State) -> bool {
    state
        .judged
        .accepted_offsets()
        .all(|offset| match &state.log[offset].content {
            Content::Commit { expected, .. } => {
                *expected == revision(&state.history_within(offset, state.log[offset].stream))
            }
            _ => true,
        })
}

fn void_for_ever(_: &Protocol, state: &State) -> bool {
    let verdicts = state.judged.verdicts();
    state.judged.accepted_offsets().all(|offset| {
        let mut earlier = state.log[..offset].iter().zip(verdicts);
        !earlier.any(|(copy, accepted)| *copy == state.log[offset] && !accepted)
    })
}

fn fences_hold(_: &Protocol, state: &State) -> bool {
    let fences = || {
        state
            .judged
            .accepted_offsets()
            .filter(|offset| state.log[*offset].is_fence())
    };
    state.judged.accepted_offsets().all(|offset| {
        let record = &state.log[offset];
        let is_passed = |fence: usize| fence < offset && record.seen < signed(fence) && state.log[fence].covers(record);
        !fences().any(is_passed)
    })
}

fn once(_: &Protocol, state: &State) -> bool {
    let accepted: Vec<&Arc<Record>> = state
        .judged
        .accepted_offsets()
        .map(|offset| &state.log[offset])
        .collect();
    let entries: Vec<Entry> = accepted.iter().flat_map(|record| record.entries()).collect();
    entries
        .iter()
        .enumerate()
        .all(|(index, entry)| !entries[..index].contains(entry))
}

fn done_once(_: &Protocol, state: &State) -> bool {
    let done = |answer: &&Answer| answer.outcome == Outcome::Done;
    let same = |one: &Answer| {
        state
            .answers
            .iter()
            .filter(done)
            .filter(|other| other.command == one.command)
            .count()
    };
    state.answers.iter().filter(done).all(|answer| same(answer) == 1)
}

fn refusal_binds(protocol: &Protocol, state: &State) -> bool {
    let refused = state.answers.iter().filter(|answer| answer.outcome == Outcome::Refused);
    refused.into_iter().all(|answer| {
        let requests = protocol.scenario.requests.iter().zip(&state.begun);
        let sent = requests.filter(|(request, begun)| **begun && request.ask.commands().contains(&answer.command));
        sent.count() > 1 || times_done(state, answer) == 0
    })
}

pub(super) fn is_done(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Done | Outcome::AlreadyDone)
}

pub(super) fn times_done(state: &State, answer: &Answer) -> usize {
    let history = state.history(answer.command.stream);
    history
        .iter()
        .filter(|entry| **entry == Entry::Done(answer.command))
        .count()
}

fn always(name: &'static str, condition: fn(&Protocol, &State) -> bool) -> Property<Protocol> {
    Property::always(name, condition)
}
