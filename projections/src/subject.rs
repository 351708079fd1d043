//! A stream as projectors see it: who owns it and which group of the statistics it is in.
//!
//! Folded by the engine from the stream's own events, so that a projector can stay a pure function of one event
//! and still know whose row it writes, and from which group to which a counter moves.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::task::{Complexity, TaskEvent, TaskType};
use domain::{ConversationId, DomainEvent, ExecutionId, StreamId, UserId};
use uuid::Uuid;

use crate::projector::DecodedEvent;

mod conversation;
mod measures;
mod row;
mod status;
mod task;

pub use measures::Measures;
pub use row::SUBJECT_TABLE;
pub(crate) use row::{SELECT_SUBJECTS, SubjectRow};
pub use status::{SubjectKind, SubjectStatus};

/// What is known about a stream after one of its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The stream.
    pub stream: StreamId,
    /// What it is.
    pub kind: SubjectKind,
    /// The UUID in the stream's name.
    pub id: Uuid,
    /// Who owns it.
    pub owner_id: UserId,
    /// Its title.
    pub title: String,
    /// UTC day of its first event.
    pub created_day: NaiveDate,
    /// Of a task, once known.
    pub task_type: Option<TaskType>,
    /// A person chose the type, so a classifier cannot change it.
    pub type_chosen: bool,
    /// Of a task, once known.
    pub complexity: Option<Complexity>,
    /// A person chose the complexity, so a classifier cannot change it.
    pub complexity_chosen: bool,
    /// Where it stands.
    pub status: SubjectStatus,
    /// Of a task that came from one.
    pub conversation_id: Option<ConversationId>,
    /// Executions started, which is also the number of the last one.
    pub attempt: i64,
    /// The execution whose results count.
    pub running_execution: Option<ExecutionId>,
    /// Lines that the last execution has logged.
    pub log_lines: i64,
    /// Messages of a conversation.
    pub message_count: i64,
    /// What the executions of a task add to the statistics, by the day on which it happened.
    pub measures: BTreeMap<NaiveDate, Measures>,
    /// Revision of the last event.
    pub revision: u64,
}

/// Why an event does not continue the history of its stream. The store or the decider is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubjectFault {
    /// The first event does not create anything.
    #[error("the first event of the stream does not begin it")]
    NotBegun,
    /// An event that only a first one may be.
    #[error("the stream was begun before")]
    BegunTwice,
    /// The name of the stream has no UUID, or the event belongs to another category.
    #[error("the event does not belong to a stream of this name")]
    ForeignStream,
    /// Events are missing, or one came twice.
    #[error("revision {expected} was to come next")]
    WrongRevision {
        /// What should have come.
        expected: u64,
    },
}

/// A subject around one event.
#[derive(Debug, Clone, Copy)]
pub struct SubjectChange<'a> {
    /// Absent for the first event of the stream.
    pub before: Option<&'a Subject>,
    /// With the event applied.
    pub after: &'a Subject,
}

impl Subject {
    /// Do streams with such events have a subject at all? Quotas and what administrators do have none: nothing about them is shown.
    pub fn exists_for(event: &DomainEvent) -> bool {
        match event {
            DomainEvent::Conversation(_) | DomainEvent::Task(_) => true,
            DomainEvent::Quota(_) | DomainEvent::Administration(_) => false,
        }
    }

    /// The subject after the first event of its stream.
    pub fn begin(event: &DecodedEvent) -> Result<Self, SubjectFault> {
        if event.recorded.revision != 0 {
            return Err(SubjectFault::WrongRevision { expected: 0 });
        }
        match &event.domain {
            DomainEvent::Conversation(first) => conversation::begin(event, first),
            DomainEvent::Task(first) => task::begin(event, first),
            DomainEvent::Quota(_) | DomainEvent::Administration(_) => Err(SubjectFault::NotBegun),
        }
    }

    /// The subject after the next event.
    pub fn evolve(&mut self, event: &DecodedEvent) -> Result<(), SubjectFault> {
        let expected = self.revision + 1;
        if event.recorded.revision != expected {
            return Err(SubjectFault::WrongRevision { expected });
        }
        match (&event.domain, self.kind) {
            (DomainEvent::Conversation(next), SubjectKind::Conversation) => conversation::evolve(self, next)?,
            (DomainEvent::Task(TaskEvent::Created { .. }), SubjectKind::Task) => return Err(SubjectFault::BegunTwice),
            (DomainEvent::Task(next), SubjectKind::Task) => task::evolve(self, next, event.day()),
            _ => return Err(SubjectFault::ForeignStream),
        }
        self.revision = expected;
        Ok(())
    }

    /// Everything that its executions did.
    pub fn total(&self) -> Measures {
        self.measures
            .values()
            .fold(Measures::default(), |sum, day| sum.plus(day))
    }

    fn new(event: &DecodedEvent, kind: SubjectKind, owner_id: UserId, title: &str) -> Result<Self, SubjectFault> {
        let stream = event.recorded.stream.clone();
        let id = stream
            .uuid()
            .filter(|_| stream.category() == kind.as_str())
            .ok_or(SubjectFault::ForeignStream)?;
        Ok(Self {
            stream,
            kind,
            id,
            owner_id,
            title: title.to_owned(),
            created_day: event.day(),
            task_type: None,
            type_chosen: false,
            complexity: None,
            complexity_chosen: false,
            status: kind.first_status(),
            conversation_id: None,
            attempt: 0,
            running_execution: None,
            log_lines: 0,
            message_count: 0,
            measures: BTreeMap::new(),
            revision: 0,
        })
    }

    fn measures_of(&mut self, day: NaiveDate) -> &mut Measures {
        self.measures.entry(day).or_default()
    }
}
