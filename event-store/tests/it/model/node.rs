//! What a node does with a request: decide, append, read back, judge, answer. How it loads is in [`super::loading`].

use std::sync::Arc;

use super::deciding::{Command, Decision, Entry, Stream, decide_all, revision};
use super::log::{Author, Content, Record, signed};
use super::mutant::Mutant;
use super::protocol::Protocol;
use super::scenario::Ask;
use super::state::{Known, Outcome, State, Step, Work};

impl Protocol {
    pub(super) fn can_load(&self, state: &State, node: usize, request: usize) -> bool {
        match &self.scenario.requests[request].ask {
            Ask::Handle(commands) => self.load(state, node, commands[0].stream).is_some(),
            Ask::FenceStream(_) | Ask::FenceCategory => true,
        }
    }

    fn load(&self, state: &State, node: usize, stream: Stream) -> Option<Known> {
        state.nodes[node].load(&state.log, &state.journal, stream, self.mutant)
    }

    pub(super) fn begin(&self, state: &mut State, request: usize) {
        let node = self.scenario.requests[request].node;
        state.begun[request] = true;
        let mut work = Work {
            request,
            round: 0,
            is_late: self.scenario.requests[request].is_late,
            asked_at: state.log.len(),
            step: Step::Load,
        };
        match &self.scenario.requests[request].ask {
            Ask::Handle(_) => {
                state.nodes[node].work = Some(work);
                self.load_work(state, node);
            }
            Ask::FenceStream(stream) => fence(state, node, &mut work, *stream, Content::StreamFence),
            Ask::FenceCategory => fence(state, node, &mut work, Stream::First, Content::CategoryFence),
        }
    }

    pub(super) fn load_work(&self, state: &mut State, node: usize) {
        let Some(mut work) = state.nodes[node].work.take() else {
            return;
        };
        let commands = self.commands(work.request);
        let stream = commands[0].stream;
        if let Some(known) = self.load(state, node, stream) {
            state.nodes[node].keep(stream, known.clone());
            work.step = Step::Decide(known);
        }
        state.nodes[node].work = Some(work);
    }

    pub(super) fn decide(&self, state: &mut State, node: usize) {
        let Some(mut work) = state.nodes[node].work.take() else {
            return;
        };
        let Step::Decide(mut known) = work.step else { return };
        work.step = Step::Load;
        let commands = self.commands(work.request);
        let stream = commands[0].stream;
        if self.mutant == Some(Mutant::SeenIsPosition) {
            known.seen = state.nodes[node].reader.seen();
        }
        let decisions = decide_all(&known.history, commands, work.is_late);
        let appended: Vec<Command> = commands_decided(&decisions, Decision::Append);
        let refused: Vec<Command> = commands_decided(&decisions, Decision::Refuse);
        if !appended.is_empty() {
            if self.mutant == Some(Mutant::RefusesOnOverlay) {
                for command in refused {
                    state.answer(&work, command, Outcome::Refused);
                }
            }
            let expected = revision(&known.history);
            produce(
                state,
                &work,
                stream,
                &known,
                Content::Commit {
                    commands: appended,
                    expected,
                },
            );
            work.step = Step::ReadBack(known, decisions);
        } else if self.scenario.strict && !refused.is_empty() {
            produce(state, &work, stream, &known, Content::Refusal(refused[0]));
            work.step = Step::ReadBack(known, decisions);
        } else if self.mutant == Some(Mutant::RefusesFromStaleState) {
            self.answer_all(state, &work, &decisions);
            return;
        } else {
            let end = state.log.len();
            work.step = Step::Confirm { known, decisions, end };
        }
        state.nodes[node].work = Some(work);
        self.settle_confirmation(state, node);
    }

    /// The node reads on, to what it waits for or as far as it gets.
    pub(super) fn read(&self, state: &mut State, node: usize) {
        let before = state.nodes[node].work.clone();
        while state.nodes[node].work == before {
            let reading = &mut state.nodes[node];
            let offset = reading.reader.next();
            let Some(accepted) = reading.reader.read(&state.log, &state.journal, self.mutant) else {
                return;
            };
            let is_own = reading.is_waiting_for(state.log[offset].author);
            state.compare(offset, accepted);
            if is_own {
                self.read_back(state, node, offset, accepted);
            }
            self.settle_confirmation(state, node);
        }
    }

    fn read_back(&self, state: &mut State, node: usize, offset: usize, accepted: bool) {
        let Some(work) = state.nodes[node].work.take() else {
            return;
        };
        let Step::ReadBack(mut known, decisions) = work.step.clone() else {
            return;
        };
        if accepted {
            let record = &state.log[offset];
            known.apply(record, signed(offset));
            if !decisions.is_empty() {
                state.nodes[node].keep(record.stream, known);
            }
            self.answer_all(state, &work, &decisions);
        } else if !decisions.is_empty() {
            self.decide_again(state, node, &work);
        }
    }

    /// Answers what was confirmed, once the node has read to the end as it was when it asked.
    fn settle_confirmation(&self, state: &mut State, node: usize) {
        let Some(Work {
            step: Step::Confirm { known, decisions, end },
            request,
            ..
        }) = &state.nodes[node].work
        else {
            return;
        };
        if state.nodes[node].reader.next() < *end {
            return;
        }
        let stream = self.commands(*request)[0].stream;
        let holds = state.nodes[node].is_current(stream, known.seen);
        let decisions = decisions.clone();
        let Some(work) = state.nodes[node].work.take() else {
            return;
        };
        if holds {
            self.answer_all(state, &work, &decisions);
        } else {
            self.decide_again(state, node, &work);
        }
    }

    /// Deadlines may have passed meanwhile. Bounded: after the last round the client is told to come back, which is no answer
    /// to its command.
    fn decide_again(&self, state: &mut State, node: usize, work: &Work) {
        if work.round + 1 < self.scenario.rounds {
            state.nodes[node].work = Some(Work {
                round: work.round + 1,
                is_late: true,
                step: Step::Load,
                ..*work
            });
            self.load_work(state, node);
        }
    }

    fn answer_all(&self, state: &mut State, work: &Work, decisions: &[(Command, Decision)]) {
        for (command, decision) in decisions {
            let outcome = match decision {
                Decision::Append => Outcome::Done,
                Decision::Repeat(Entry::Done(_)) => Outcome::AlreadyDone,
                Decision::Repeat(Entry::Refused(_)) => Outcome::StrictlyRefused,
                Decision::Refuse if self.scenario.strict => Outcome::StrictlyRefused,
                Decision::Refuse => Outcome::Refused,
            };
            let told = state
                .answers
                .iter()
                .any(|answer| (answer.request, answer.command) == (work.request, *command));
            if !told {
                state.answer(work, *command, outcome);
            }
        }
    }

    /// The mutant's impatience.
    pub(super) fn give_up_record(&self, state: &mut State, node: usize) {
        if let Some(work) = state.nodes[node].work.take() {
            self.decide_again(state, node, &work);
        }
    }

    /// The mutant's answer: the record is in the log, so it must be history.
    pub(super) fn answer_on_delivery(&self, state: &mut State, node: usize) {
        let Some(work) = state.nodes[node].work.take() else {
            return;
        };
        if let Step::ReadBack(_, decisions) = &work.step {
            self.answer_all(state, &work, decisions);
        }
    }

    fn commands(&self, request: usize) -> &[Command] {
        self.scenario.requests[request].ask.commands()
    }
}

fn commands_decided(decisions: &[(Command, Decision)], wanted: Decision) -> Vec<Command> {
    let of_kind = decisions.iter().filter(|(_, decision)| *decision == wanted);
    of_kind.map(|(command, _)| *command).collect()
}

/// A fence that an operator asks for rests on no state, so the node's position is what it has seen.
fn fence(state: &mut State, node: usize, work: &mut Work, stream: Stream, content: Content) {
    let known = Known {
        history: Vec::new(),
        seen: state.nodes[node].reader.seen(),
    };
    produce(state, work, stream, &known, content);
    work.step = Step::ReadBack(known, Vec::new());
    state.nodes[node].work = Some(work.clone());
}

fn produce(state: &mut State, work: &Work, stream: Stream, known: &Known, content: Content) {
    let record = Record {
        author: Author::Attempt {
            request: work.request,
            round: work.round,
        },
        content,
        stream,
        seen: known.seen,
        decided_on: known.history.clone(),
    };
    state.in_flight.push(Arc::new(record));
    // Who produced first says nothing about who lands first, and equal sets shall be equal states.
    state.in_flight.sort_unstable_by_key(|record| record.author);
}
