//! Everything there is at one moment: the log, what is on its way to it, the journal, the nodes, and what clients were told.

use std::sync::Arc;

use super::deciding::{Command, Decision, Entry, Stream, decide};
use super::log::{Author, Journal, Record, history};
use super::reader::Reader;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) log: Vec<Arc<Record>>,
    /// A reader that began at offset 0 and has read everything: its verdicts are the history.
    pub(super) judged: Reader,
    /// Produced and not yet in the log. What never lands was lost.
    pub(super) in_flight: Vec<Arc<Record>>,
    pub(super) journal: Journal,
    /// The reader that fills the journal; its next offset is the journal's checkpoint.
    pub(super) journaler: Reader,
    pub(super) nodes: Vec<Node>,
    /// Which requests of the scenario have reached their node.
    pub(super) begun: Vec<bool>,
    pub(super) answers: Vec<Answer>,
    pub(super) left: Chances,
    /// Some reader gave another verdict than the one that began at offset 0.
    pub(super) disagreed: bool,
}

/// What may still happen how often. Losses, delays and other orders of produces need no count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Chances {
    /// The journaler takes all that is in the log; between its turns it lags.
    pub(super) journal_turns: u8,
    /// A record that landed lands again.
    pub(super) duplicates: u8,
    /// A node loses all it had in memory.
    pub(super) crashes: u8,
    /// The journal is put back to an older state.
    pub(super) restores: u8,
}

/// One of the equal nodes. Stateless: all of this may go at any time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) reader: Reader,
    pub(super) cache: Vec<(Stream, Known)>,
    pub(super) work: Option<Work>,
}

/// The state of a stream, and the offset through which it is complete.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Known {
    pub(super) history: Vec<Entry>,
    pub(super) seen: i64,
}

/// The request that a node works on; it takes one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Work {
    pub(super) request: usize,
    /// How often it was decided again.
    pub(super) round: u8,
    /// The deadline of its commands has passed.
    pub(super) is_late: bool,
    /// How long the log was when the request came.
    pub(super) asked_at: usize,
    pub(super) step: Step,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The state is to be loaded, perhaps once the journal is far enough.
    Load,
    /// Loaded; what happens in the world before the decision is not known to it.
    Decide(Known),
    /// A record was produced and is waited for.
    ReadBack(Known, Vec<(Command, Decision)>),
    /// Nothing to write: the decisions hold if nothing else is found up to the end as it was.
    Confirm {
        known: Known,
        decisions: Vec<(Command, Decision)>,
        end: usize,
    },
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Answer {
    pub(super) request: usize,
    pub(super) command: Command,
    pub(super) outcome: Outcome,
    /// For a refusal: would the history have refused at some moment between request and answer?
    pub(super) was_true: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Outcome {
    Done,
    AlreadyDone,
    Refused,
    StrictlyRefused,
}

impl Known {
    /// The commit or refusal at `offset` was accepted and is applied; only now may `seen` rise to it.
    pub(super) fn apply(&mut self, record: &Record, seen: i64) {
        self.history.extend(record.entries());
        self.seen = seen;
    }
}

impl State {
    /// The accepted history of a stream within the first `length` records.
    pub(super) fn history_within(&self, length: usize, stream: Stream) -> Vec<Entry> {
        let accepted = self.judged.accepted_offsets().take_while(|offset| *offset < length);
        history(&self.log, accepted, stream)
    }

    pub(super) fn history(&self, stream: Stream) -> Vec<Entry> {
        self.history_within(self.log.len(), stream)
    }

    pub(super) fn is_answered(&self, command: Command) -> bool {
        self.answers.iter().any(|answer| answer.command == command)
    }

    /// Compares a verdict with that of the reader which began at offset 0.
    pub(super) fn compare(&mut self, offset: usize, accepted: bool) {
        self.disagreed |= self.judged.verdicts()[offset] != accepted;
    }

    /// The node that still waits for the record of this author, if it does.
    pub(super) fn waiting_for(&self, author: Author) -> Option<usize> {
        self.nodes.iter().position(|node| node.is_waiting_for(author))
    }

    pub(super) fn answer(&mut self, work: &Work, command: Command, outcome: Outcome) {
        let refuses =
            |length| decide(&self.history_within(length, command.stream), command, work.is_late) == Decision::Refuse;
        let was_true = outcome != Outcome::Refused || (work.asked_at..=self.log.len()).any(refuses);
        self.answers.push(Answer {
            request: work.request,
            command,
            outcome,
            was_true,
        });
        // The order of answers says nothing, and equal sets of answers shall be equal states.
        self.answers.sort_unstable();
    }
}

impl Node {
    pub(super) fn starting_at(checkpoint: usize, width: u64) -> Self {
        Self {
            reader: Reader::starting_at(checkpoint, width),
            cache: Vec::new(),
            work: None,
        }
    }

    pub(super) fn is_waiting_for(&self, author: Author) -> bool {
        self.work.as_ref().is_some_and(|work| {
            let own = Author::Attempt {
                request: work.request,
                round: work.round,
            };
            matches!(work.step, Step::ReadBack(..)) && own == author
        })
    }

    pub(super) fn cached(&self, stream: Stream) -> Option<&Known> {
        let entry = self.cache.iter().find(|(cached, _)| *cached == stream);
        entry.map(|(_, known)| known)
    }

    pub(super) fn keep(&mut self, stream: Stream, known: Known) {
        self.cache.retain(|(cached, _)| *cached != stream);
        self.cache.push((stream, known));
        self.cache.sort_unstable_by_key(|(cached, _)| *cached);
    }
}
