//! What a read model is to the engine: a pure function from one event to row operations.

use chrono::NaiveDate;
use domain::DomainEvent;
use event_store::RecordedEvent;

use crate::operation::RowOperations;
use crate::subject::SubjectChange;
use crate::table::TableDefinition;

/// An event with its meaning.
#[derive(Debug, Clone)]
pub struct DecodedEvent {
    /// As the log returned it.
    pub recorded: RecordedEvent,
    /// What it says.
    pub domain: DomainEvent,
}

impl DecodedEvent {
    /// The UTC day on which it happened.
    pub fn day(&self) -> NaiveDate {
        self.recorded.time.date_naive()
    }
}

/// A read model.
///
/// `project` is pure: no IO, no clock, no randomness, and nothing of the event's place in the log may reach a row, since the tables
/// of two stores with the same events are compared row for row. Operations that meet on one row from different streams must commute.
pub trait Projector: Send + Sync + 'static {
    /// Its name, for people.
    fn name(&self) -> &'static str;

    /// Raised with every change of what `project` does.
    fn version(&self) -> u32;

    /// The SQL that creates its tables, without a schema.
    fn schema(&self) -> &'static str;

    /// The tables that it writes; nobody else does.
    fn tables(&self) -> &'static [&'static TableDefinition];

    /// What the event does to the rows.
    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations);
}
