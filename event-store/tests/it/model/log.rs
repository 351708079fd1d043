//! The log of one partition, what is written to it, and the journal that indexes it.

use std::sync::Arc;

use event_store::acceptance::{Candidate, Digest, Reach};

use super::deciding::{Command, Entry, Stream};
use super::mutant::Mutant;

/// All streams of the model have one category.
pub(super) const CATEGORY: u128 = 7;

/// One produced record. A second copy of it in the log is an equal value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Record {
    pub(super) author: Author,
    pub(super) content: Content,
    /// Meaningless for a category fence.
    pub(super) stream: Stream,
    pub(super) seen: i64,
    /// The history that the author decided on. No reader may look at it, only the properties do.
    pub(super) decided_on: Vec<Entry>,
}

/// Which attempt wrote a record: unique for each attempt, so an author knows its own record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Author {
    /// Written before the scenario begins.
    Before(char),
    Attempt {
        request: usize,
        round: u8,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Content {
    Commit {
        commands: Vec<Command>,
        expected: usize,
    },
    /// A strict refusal: a stream fence that names the command.
    Refusal(Command),
    StreamFence,
    CategoryFence,
}

impl Record {
    pub(super) fn is_fence(&self) -> bool {
        !matches!(self.content, Content::Commit { .. })
    }

    /// What it adds to the history of its stream.
    pub(super) fn entries(&self) -> Vec<Entry> {
        match &self.content {
            Content::Commit { commands, .. } => commands.iter().copied().map(Entry::Done).collect(),
            Content::Refusal(command) => vec![Entry::Refused(*command)],
            Content::StreamFence | Content::CategoryFence => Vec::new(),
        }
    }

    /// Does it, once accepted, stand in the way of `later`?
    pub(super) fn covers(&self, later: &Self) -> bool {
        match (&self.content, &later.content) {
            (Content::CategoryFence, _) => true,
            (_, Content::CategoryFence) => false,
            _ => self.stream == later.stream,
        }
    }

    /// The record as the production rule wants it. Digests are not modelled, so all are equal.
    pub(super) fn candidate(&self) -> Candidate {
        Candidate {
            stream: self.stream.hash128(),
            category: CATEGORY,
            seen: self.seen,
            digest: Digest::START,
            reach: match self.content {
                Content::CategoryFence => Reach::Category,
                _ => Reach::Stream,
            },
        }
    }
}

impl Stream {
    pub(super) fn hash128(self) -> u128 {
        self as u128
    }
}

/// The rule's sentence over a whole log, word for word and with nothing forgotten: what the production rule is held to.
pub(super) fn by_the_sentence(log: &[Arc<Record>], width: u64) -> Vec<bool> {
    let mut accepted: Vec<bool> = Vec::new();
    for (offset, record) in log.iter().enumerate() {
        let is_young = signed(offset) - record.seen <= i64::try_from(width).unwrap();
        let lies_between = |earlier: usize| signed(earlier) > record.seen && earlier < offset;
        let is_superseded =
            (0..offset).any(|earlier| lies_between(earlier) && accepted[earlier] && log[earlier].covers(record));
        accepted.push(is_young && !is_superseded);
    }
    accepted
}

/// The history of a stream, given which offsets were accepted.
pub(super) fn history(log: &[Arc<Record>], accepted: impl IntoIterator<Item = usize>, stream: Stream) -> Vec<Entry> {
    let of_stream = accepted.into_iter().filter(|offset| log[*offset].stream == stream);
    of_stream.flat_map(|offset| log[offset].entries()).collect()
}

pub(super) fn signed(offset: usize) -> i64 {
    i64::try_from(offset).unwrap()
}

/// Rows of accepted records below a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Journal {
    /// The checkpoint: every offset below was taken.
    pub(super) next: usize,
    /// Offsets of accepted records; the rows themselves are read in the log.
    pub(super) rows: Vec<usize>,
}

impl Journal {
    pub(super) fn take(&mut self, record: &Record, accepted: bool, mutant: Option<Mutant>) {
        let is_kept = !(record.is_fence() && mutant == Some(Mutant::FencesAreNotJournaled));
        if accepted && is_kept {
            self.rows.push(self.next);
        }
        self.next += 1;
    }

    /// A backup is put back: the journal is what it was when its checkpoint stood at `next`.
    pub(super) fn restore(&mut self, next: usize) {
        self.rows.retain(|offset| *offset < next);
        self.next = next;
    }

    /// The highest offset of a row below `before` that covers `record`.
    pub(super) fn last_covering(
        &self,
        log: &[Arc<Record>],
        record: &Record,
        before: usize,
        mutant: Option<Mutant>,
    ) -> Option<usize> {
        let yields = record.content == Content::CategoryFence && mutant == Some(Mutant::CategoryFenceYieldsToCommits);
        let covers = |offset: usize| yields || log[offset].covers(record);
        let below = self.rows.iter().copied().filter(|offset| *offset < before);
        below.filter(|offset| covers(*offset)).max()
    }

    pub(super) fn history(&self, log: &[Arc<Record>], stream: Stream) -> Vec<Entry> {
        history(log, self.rows.iter().copied(), stream)
    }
}
