//! A commit: the events that one or more commands caused on one stream, and what they were decided on.

use domain::StreamId;
use uuid::Uuid;

use crate::event::{EventMetadata, LogPosition, NewEvent};
use crate::position::Position;

/// What a decision was made on: the state after `revision`, complete through `seen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basis {
    /// The last event that was folded; none for a stream without events.
    pub revision: Option<u64>,
    /// The offset in the stream's partition through which the state is complete; -1 before the first record.
    /// Captured before the load began, raised only by applying the commit at that offset. Unused (-1) where the
    /// database compares revisions.
    pub seen: i64,
    /// The partition's running digest at `seen`; 0 at -1.
    pub digest: u128,
}

impl Basis {
    /// A stream without events, nothing seen.
    pub const EMPTY: Self = Self {
        revision: None,
        seen: -1,
        digest: 0,
    };

    /// The revision that the next event gets.
    pub fn next_revision(&self) -> u64 {
        self.revision.map_or(0, |revision| revision + 1)
    }
}

/// Who caused the events of one command. Written into each of them.
pub type CommandStamp = EventMetadata;

/// One command and its events; at least one event.
#[derive(Debug, Clone)]
pub struct CommittedCommand {
    /// Command id, body hash, actor, correlation.
    pub stamp: CommandStamp,
    /// In order.
    pub events: Vec<NewEvent>,
}

/// What goes into the log in one piece: all of it is accepted, or nothing.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Unique for each attempt to append; tells an author its own record when it reads it back.
    pub id: Uuid,
    /// The stream.
    pub stream: StreamId,
    /// What the decisions were made on.
    pub basis: Basis,
    /// In the order in which they were decided, each on top of the ones before.
    pub commands: Vec<CommittedCommand>,
}

impl Commit {
    /// Number of events.
    pub fn event_count(&self) -> usize {
        self.commands.iter().map(|command| command.events.len()).sum()
    }

    /// All events in order, each with its revision and the stamp of its command.
    pub fn events(&self) -> impl Iterator<Item = (u64, &CommandStamp, &NewEvent)> + '_ {
        let first = self.basis.next_revision();
        self.commands
            .iter()
            .flat_map(|command| command.events.iter().map(|event| (&command.stamp, event)))
            .zip(first..)
            .map(|((stamp, event), revision)| (revision, stamp, event))
    }
}

/// An accepted commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitReceipt {
    /// Revision of its last event.
    pub revision: u64,
    /// Place of its last event.
    pub at: LogPosition,
    /// Global position of its last event, when the journal gave it at once.
    pub position: Option<Position>,
    /// What the next decision may be made on, after these events were folded.
    pub basis: Basis,
}

/// How the log judged a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is part of history.
    Accepted(CommitReceipt),
    /// Another commit of the stream came between; this one has no effect, for ever and for everybody.
    Void,
}
