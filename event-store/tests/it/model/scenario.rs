//! What a world is made of. The worlds themselves are in [`super::worlds`].

use std::sync::Arc;

use super::deciding::{Command, Stream};
use super::log::{Journal, Record};
use super::mutant::Mutant;
use super::reader::Reader;
use super::state::{Chances, Node, State};

/// A world: what clients ask of which nodes, and what may go wrong.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    /// `W`.
    pub(super) width: u64,
    pub(super) requests: Vec<Request>,
    pub(super) chances: Chances,
    /// How often a node decides one request before it gives up.
    pub(super) rounds: u8,
    /// Refusals are recorded by a fence.
    pub(super) strict: bool,
    /// What is in the log when the scenario begins. Longer histories would make the worlds too large.
    pub(super) log: Vec<Arc<Record>>,
    /// Produced before the scenario begins by an author that is gone.
    pub(super) in_flight: Vec<Arc<Record>>,
    /// The journal's checkpoint, and where each node started to read.
    pub(super) journaled: usize,
    pub(super) started_at: Vec<usize>,
}

/// Something that may reach a node at any time, once. A request for a command that was asked before is the retry of a client
/// that got no answer.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) node: usize,
    /// It comes after the deadline of its commands.
    pub(super) is_late: bool,
    pub(super) ask: Ask,
}

#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// Commands of one stream that waited in one queue.
    Handle(Vec<Command>),
    FenceStream(Stream),
    FenceCategory,
}

impl Ask {
    pub(super) fn commands(&self) -> &[Command] {
        match self {
            Self::Handle(commands) => commands,
            Self::FenceStream(_) | Self::FenceCategory => &[],
        }
    }
}

impl Scenario {
    pub(super) fn new(requests: Vec<Request>, chances: Chances) -> Self {
        Self {
            width: 3,
            requests,
            chances,
            rounds: 2,
            strict: false,
            log: Vec::new(),
            in_flight: Vec::new(),
            journaled: 0,
            started_at: vec![0; 3],
        }
    }

    pub(super) fn initial(&self, mutant: Option<Mutant>) -> State {
        let mut judged = Reader::starting_at(0, self.width);
        let mut journal = Journal::default();
        let mut journaler = judged.clone();
        while journal.next < self.journaled {
            let offset = journal.next;
            let accepted = journaler.read(&self.log, &journal, mutant).unwrap();
            journal.take(&self.log[offset], accepted, mutant);
        }
        while judged.read(&self.log, &journal, mutant).is_some() {}
        State {
            log: self.log.clone(),
            judged,
            in_flight: self.in_flight.clone(),
            journal,
            journaler,
            nodes: self
                .started_at
                .iter()
                .map(|start| Node::starting_at(*start, self.width))
                .collect(),
            begun: vec![false; self.requests.len()],
            answers: Vec::new(),
            left: self.chances,
            disagreed: false,
        }
    }
}
