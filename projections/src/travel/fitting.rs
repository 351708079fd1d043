//! What becomes of events when others of their streams are missing.
//!
//! An event gets the revision that it has in the branch: one more than what was folded before. One that then has nothing to stand on (a message
//! whose conversation never began, a result of an execution that was not started) is left out, counted, and the first of them are told. So is one
//! that cannot be read.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use domain::task::TaskEvent;
use domain::{DomainEvent, StreamId};
use event_store::RecordedEvent;
use serde::{Deserialize, Serialize};

use crate::projector::DecodedEvent;
use crate::subject::{Subject, SubjectFault};

/// How many are told; all are counted.
const TOLD: usize = 100;

/// An event that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Misfit {
    /// Its id.
    pub id: uuid::Uuid,
    /// Its stream.
    pub stream: String,
    /// Its revision in the log.
    pub revision: u64,
    /// Its type.
    pub event_type: String,
    /// Why it was left out.
    pub reason: String,
}

/// The events that do not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misfits {
    /// How many, by type.
    pub counts: BTreeMap<String, u64>,
    /// The first of them.
    pub first: Vec<Misfit>,
}

/// Lets the events of a branch follow each other.
#[derive(Debug, Default)]
pub(crate) struct Fitting {
    misfits: Misfits,
}

impl Fitting {
    pub(crate) fn misfits(&self) -> &Misfits {
        &self.misfits
    }

    /// Takes out the events that nobody can read. (All are read once more when they are folded, which is less than to keep a copy of them.)
    pub(crate) fn leave_out_unreadable(&mut self, events: &mut Vec<RecordedEvent>) {
        events.retain(|event| {
            let read = domain::stored::decode(&event.event_type, &event.data);
            if let Err(fault) = &read {
                self.leave_out(event, event.revision, fault.to_string());
            }
            read.is_ok()
        });
    }

    /// The events that fit, with the revisions that they have here. `subjects` are their streams before them.
    pub(crate) fn fit<S: BuildHasher>(
        &mut self,
        events: Vec<DecodedEvent>,
        subjects: &HashMap<StreamId, Subject, S>,
    ) -> Vec<DecodedEvent> {
        let mut after: HashMap<StreamId, Subject> = HashMap::new();
        let mut kept = Vec::with_capacity(events.len());
        for mut event in events {
            if !Subject::exists_for(&event.domain) {
                kept.push(event);
                continue;
            }
            let stream = event.recorded.stream.clone();
            let revision = event.recorded.revision;
            let before = after.get(&stream).or_else(|| subjects.get(&stream));
            event.recorded.revision = before.map_or(0, |before| before.revision + 1);
            match follow(before, &event) {
                Ok(next) => {
                    after.insert(stream, next);
                    kept.push(event);
                }
                Err(reason) => self.leave_out(&event.recorded, revision, reason),
            }
        }
        kept
    }

    fn leave_out(&mut self, recorded: &RecordedEvent, revision: u64, reason: String) {
        *self.misfits.counts.entry(recorded.event_type.clone()).or_default() += 1;
        if self.misfits.first.len() < TOLD {
            self.misfits.first.push(Misfit {
                id: recorded.id.as_uuid(),
                stream: recorded.stream.as_str().to_owned(),
                revision,
                event_type: recorded.event_type.clone(),
                reason,
            });
        }
    }
}

fn follow(before: Option<&Subject>, event: &DecodedEvent) -> Result<Subject, String> {
    let told = |fault: SubjectFault| fault.to_string();
    let Some(before) = before else {
        return Subject::begin(event).map_err(|fault| match fault {
            SubjectFault::NotBegun => "its stream never began here".to_owned(),
            other => told(other),
        });
    };
    let running = before.running_execution;
    let reports = match &event.domain {
        DomainEvent::Task(
            TaskEvent::ExecutionProgressed { execution_id, .. }
            | TaskEvent::ExecutionCompleted { execution_id, .. }
            | TaskEvent::ExecutionFailed { execution_id, .. },
        ) => Some(*execution_id),
        _ => None,
    };
    if reports.is_some() && reports != running {
        return Err("its execution is not running here".to_owned());
    }
    let mut after = before.clone();
    after.evolve(event).map_err(told)?;
    Ok(after)
}
