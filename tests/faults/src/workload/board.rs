//! What clients know of the streams, all together: what exists, and at which revision it was seen last. It may be old.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

use super::order::Order;
use crate::attempt::Outcome;

/// Streams that many clients work on.
pub(super) const HOT: usize = 4;
/// Streams of which older ones are left alone.
const COLD: usize = 400;

/// Shared by all clients.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// The first conversations are the hot ones.
    pub(super) hot: Vec<Uuid>,
    /// The newest other conversations.
    pub(super) cold: VecDeque<Uuid>,
    /// The newest tasks, with the execution that was started last.
    pub(super) tasks: VecDeque<(Uuid, Option<Uuid>)>,
    pub(super) revisions: HashMap<String, u64>,
    pub(super) archived: HashSet<String>,
}

/// What an answer named.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Ids {
    pub(super) subject: Option<Uuid>,
    pub(super) execution: Option<Uuid>,
}

impl Board {
    /// Remembers what an answer told.
    pub(super) fn learn(&mut self, order: &Order, outcome: &Outcome, ids: Ids) {
        let revision = match outcome {
            Outcome::Done { revision, .. } => Some(*revision),
            Outcome::Nothing { revision } => *revision,
            Outcome::Conflict { current_revision } => *current_revision,
            _ => None,
        };
        let named = ids.subject.map(|id| format!("{}-{id}", order.category()));
        let Some(stream) = named.or_else(|| order.stream.clone()) else {
            return;
        };
        if let Some(revision) = revision {
            let known = self.revisions.entry(stream.clone()).or_default();
            *known = revision.max(*known);
        }
        if !matches!(outcome, Outcome::Done { .. }) {
            if matches!(outcome, Outcome::Refused { code, .. } if code == "conversation.archived") {
                self.archived.insert(stream);
            }
            return;
        }
        match (order.name, ids.subject) {
            ("start", Some(id)) => self.add_conversation(id),
            ("create", Some(id)) => {
                if self.tasks.iter().all(|(task, _)| *task != id) {
                    self.tasks.push_back((id, None));
                }
                keep_newest(&mut self.tasks);
            }
            ("start-execution" | "retry", Some(id)) => {
                if let Some(task) = self.tasks.iter_mut().find(|(task, _)| *task == id) {
                    task.1 = ids.execution;
                }
            }
            ("archive", _) => drop(self.archived.insert(stream)),
            ("reopen", _) => drop(self.archived.remove(&stream)),
            _ => {}
        }
    }

    fn add_conversation(&mut self, id: Uuid) {
        if self.hot.contains(&id) || self.cold.contains(&id) {
            return;
        }
        if self.hot.len() < HOT {
            self.hot.push(id);
        } else {
            self.cold.push_back(id);
            keep_newest(&mut self.cold);
        }
    }
}

fn keep_newest<T>(all: &mut VecDeque<T>) {
    all.drain(..all.len().saturating_sub(COLD));
}
