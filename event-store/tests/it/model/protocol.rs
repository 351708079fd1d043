//! Which steps the world can take.

use std::sync::Arc;

use stateright::{Model, Property};

use super::log::{Journal, Record};
use super::mutant::Mutant;
use super::properties;
use super::reached;
use super::reader::Reader;
use super::scenario::{Request, Scenario};
use super::state::{Node, State, Step};

/// The protocol in one world, right or with one thing wrong.
#[derive(Clone, Debug)]
pub(super) struct Protocol {
    pub(super) scenario: Scenario,
    pub(super) mutant: Option<Mutant>,
}

/// One step. Each takes no time, and any enabled one may be next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A request reaches its node, which loads what it needs.
    Begin { request: usize },
    /// A node that waited for the journal loads.
    Load { node: usize },
    /// A node decides on what it loaded, and appends or starts to confirm.
    Decide { node: usize },
    /// Only a mutant does this: a node decides again although its record may still be accepted.
    DecideAgain { node: usize },
    /// A node reads on, to what it waits for or as far as it gets, and answers if it waited for that.
    Read { node: usize },
    /// A produced record reaches the log. Those in flight may do so in any order, or never.
    Land { position: usize },
    /// A record that landed lands again: the producer sent it twice.
    LandAgain { offset: usize },
    /// The journaler takes what is in the log.
    Journal,
    /// A node loses its memory and starts again at the journal's checkpoint.
    Crash { node: usize },
    /// The journal is put back to an older state; the journaler starts again from there.
    Restore { next: usize },
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.scenario.initial(self.mutant)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let requests = 0..self.scenario.requests.len();
        actions.extend(
            requests
                .filter(|request| self.may_begin(state, *request))
                .map(|request| Action::Begin { request }),
        );
        for (node, at) in state.nodes.iter().enumerate() {
            match at.work.as_ref().map(|work| (&work.step, work.request)) {
                Some((Step::Load, request)) if self.can_load(state, node, request) => {
                    actions.push(Action::Load { node });
                }
                Some((Step::ReadBack(..), _)) if self.mutant == Some(Mutant::DoesNotWaitForItsRecord) => {
                    actions.push(Action::DecideAgain { node });
                }
                Some((Step::Decide(_), _)) => actions.push(Action::Decide { node }),
                _ => {}
            }
            if self.is_busy(state, node) {
                if has_to_read(state, node) {
                    actions.push(Action::Read { node });
                }
                if state.left.crashes > 0 {
                    actions.push(Action::Crash { node });
                }
            }
        }
        actions.extend((0..state.in_flight.len()).map(|position| Action::Land { position }));
        if state.left.duplicates > 0 {
            actions.extend((0..state.log.len()).map(|offset| Action::LandAgain { offset }));
        }
        if (0..state.nodes.len()).any(|node| self.is_busy(state, node)) {
            if state.left.journal_turns > 0 && state.journal.next < state.log.len() {
                actions.push(Action::Journal);
            }
            if state.left.restores > 0 {
                actions.extend((0..=state.journal.next).map(|next| Action::Restore { next }));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Begin { request } => self.begin(&mut state, request),
            Action::Load { node } => self.load_work(&mut state, node),
            Action::Decide { node } => self.decide(&mut state, node),
            Action::DecideAgain { node } => self.give_up_record(&mut state, node),
            Action::Read { node } => self.read(&mut state, node),
            Action::Land { position } => {
                let record = state.in_flight.remove(position);
                self.land(&mut state, record);
            }
            Action::LandAgain { offset } => {
                state.left.duplicates -= 1;
                let record = state.log[offset].clone();
                self.land(&mut state, record);
            }
            Action::Journal => self.take_into_journal(&mut state),
            Action::Crash { node } => {
                state.left.crashes -= 1;
                state.nodes[node] = Node::starting_at(state.journal.next, self.scenario.width);
            }
            Action::Restore { next } => {
                state.left.restores -= 1;
                state.journal.restore(next);
                state.journaler = Reader::starting_at(next, self.scenario.width);
            }
        }
        self.retire(&mut state);
        // A reader that has to wait, or whose record is not there yet, changes nothing.
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = properties::all(self.mutant);
        properties.extend(reached::all());
        properties
    }
}

impl Protocol {
    /// A request begins once its node is free. A retry comes after the first attempt has begun, and while it is not answered.
    fn may_begin(&self, state: &State, request: usize) -> bool {
        let Request { node, ask, .. } = &self.scenario.requests[request];
        let is_free = !state.begun[request] && state.nodes[*node].work.is_none();
        let is_due = ask.commands().iter().all(|command| {
            let earlier = &self.scenario.requests[..request];
            let mut attempts = earlier.iter().zip(&state.begun);
            attempts.all(|(attempt, begun)| *begun || !attempt.ask.commands().contains(command))
                && !state.is_answered(*command)
        });
        is_free && is_due && self.can_load(state, *node, request)
    }

    /// Nodes that have nothing to do and will have nothing to do stand still: what they read changes nothing.
    fn is_busy(&self, state: &State, node: usize) -> bool {
        let mut to_come = self.scenario.requests.iter().zip(&state.begun);
        state.nodes[node].work.is_some() || to_come.any(|(request, begun)| request.node == node && !begun)
    }

    /// A node without work now or later is left out, so that states which differ only in it are one.
    fn retire(&self, state: &mut State) {
        for node in 0..state.nodes.len() {
            if !self.is_busy(state, node) {
                state.nodes[node] = Node::starting_at(0, self.scenario.width);
            }
        }
    }

    fn land(&self, state: &mut State, record: Arc<Record>) {
        let author = record.author;
        state.log.push(record);
        // The reader that gives the history began at 0, so it needs no journal.
        state.judged.read(&state.log, &Journal::default(), self.mutant);
        self.ask_newcomers(state);
        if self.mutant == Some(Mutant::DoneOnDelivery)
            && let Some(node) = state.waiting_for(author)
        {
            self.answer_on_delivery(state, node);
        }
    }

    fn take_into_journal(&self, state: &mut State) {
        state.left.journal_turns -= 1;
        while let Some(accepted) = state.journaler.read(&state.log, &state.journal, self.mutant) {
            let offset = state.journal.next;
            state.compare(offset, accepted);
            state.journal.take(&state.log[offset], accepted, self.mutant);
        }
    }

    /// Readers that begin at any checkpoint which the journal ever had or may have judge the newest record as all others do.
    fn ask_newcomers(&self, state: &mut State) {
        let mut journal = Journal::default();
        for start in 0..state.log.len() {
            let mut newcomer = Reader::starting_at(start, self.scenario.width);
            while let Some(accepted) = newcomer.read(&state.log, &journal, self.mutant) {
                state.compare(newcomer.next() - 1, accepted);
            }
            journal.take(&state.log[start], state.judged.verdicts()[start], self.mutant);
        }
    }
}

/// What a node reads before its own record has landed changes nothing until then, so it is read in one go.
fn has_to_read(state: &State, node: usize) -> bool {
    let node = &state.nodes[node];
    let unread = &state.log[node.reader.next()..];
    match node.work.as_ref().map(|work| &work.step) {
        Some(Step::ReadBack(..)) => unread.iter().any(|record| node.is_waiting_for(record.author)),
        _ => !unread.is_empty(),
    }
}
