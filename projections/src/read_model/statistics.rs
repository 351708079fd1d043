//! Counters across streams, kept by increments that commute.
//!
//! What a task counts is a pure function of its subject: so an event moves counters by taking away what the subject counted
//! before and adding what it counts after. That also moves earlier results when type, complexity or status change.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::DomainEvent;
use domain::conversation::{ConversationEvent, Message};

use crate::operation::{Key, RowOperations};
use crate::projector::{DecodedEvent, Projector};
use crate::subject::{Subject, SubjectChange, SubjectKind};
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

static STATISTICS: TableDefinition = TableDefinition {
    name: "statistics",
    key: &[
        Column::required("day", ColumnType::Date),
        Column::required("type", ColumnType::Text),
        Column::required("complexity", ColumnType::Text),
        Column::required("status", ColumnType::Text),
        Column::required("owner_id", ColumnType::Uuid),
    ],
    columns: &[
        Column::counter("tasks"),
        Column::counter("executions"),
        Column::counter("messages"),
        Column::counter("files_changed"),
        Column::counter("lines_added"),
        Column::counter("lines_removed"),
        Column::counter("tokens_used"),
        Column::counter("cost_micro_usd"),
    ],
    kind: TableKind::Sums,
};

/// Sums for the dashboard and analysts.
pub struct StatisticsProjector;

impl Projector for StatisticsProjector {
    fn name(&self) -> &'static str {
        "statistics"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../../migrations/read-models/statistics.sql")
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&STATISTICS] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        match &event.domain {
            DomainEvent::Conversation(ConversationEvent::MessageSent(message)) => {
                count_message(change.after, event.day(), message, operations);
            }
            DomainEvent::Task(_) => move_counters(change, operations),
            _ => {}
        }
    }
}

fn count_message(conversation: &Subject, day: NaiveDate, message: &Message, operations: &mut RowOperations) {
    let mut deltas = vec![("messages", 1)];
    if let Some(tokens) = message.tokens_used.filter(|tokens| *tokens > 0) {
        deltas.push(("tokens_used", i64::try_from(tokens).unwrap_or(i64::MAX)));
    }
    operations.increment(&STATISTICS, group(conversation, day), deltas);
}

fn move_counters(change: &SubjectChange<'_>, operations: &mut RowOperations) {
    let before = change.before.map(counted).unwrap_or_default();
    let after = counted(change.after);
    let same_group = change
        .before
        .is_some_and(|before| group_of(before) == group_of(change.after));
    if same_group && before == after {
        return;
    }
    if let Some(subject) = change.before.filter(|_| !same_group) {
        for (day, counters) in &before {
            increment(subject, *day, counters.map(|count| -count), operations);
        }
    }
    for (day, counters) in &after {
        let already = if same_group {
            before.get(day).copied().unwrap_or_default()
        } else {
            Counters::default()
        };
        increment(change.after, *day, subtract(*counters, already), operations);
    }
}

/// tasks, executions, files changed, lines added, lines removed, tokens used, cost.
type Counters = [i64; 7];

const COUNTER_NAMES: [&str; 7] = [
    "tasks",
    "executions",
    "files_changed",
    "lines_added",
    "lines_removed",
    "tokens_used",
    "cost_micro_usd",
];

/// What a task counts, by day.
fn counted(task: &Subject) -> BTreeMap<NaiveDate, Counters> {
    let mut days = BTreeMap::from([(task.created_day, [1, 0, 0, 0, 0, 0, 0])]);
    for (day, measures) in &task.measures {
        let [_, executions, files, added, removed, tokens, cost] = days.entry(*day).or_default();
        *executions = measures.executions;
        *files = measures.files_changed;
        *added = measures.lines_added;
        *removed = measures.lines_removed;
        *tokens = measures.tokens_used;
        *cost = measures.cost_micro_usd;
    }
    days
}

fn subtract(mut counters: Counters, already: Counters) -> Counters {
    for (counter, already) in counters.iter_mut().zip(already) {
        *counter -= already;
    }
    counters
}

fn increment(subject: &Subject, day: NaiveDate, counters: Counters, operations: &mut RowOperations) {
    let deltas: Vec<_> = COUNTER_NAMES
        .into_iter()
        .zip(counters)
        .filter(|(_, delta)| *delta != 0)
        .collect();
    if !deltas.is_empty() {
        operations.increment(&STATISTICS, group(subject, day), deltas);
    }
}

fn group(subject: &Subject, day: NaiveDate) -> Key {
    let (task_type, complexity, status) = group_of(subject);
    vec![
        day.into(),
        task_type.into(),
        complexity.into(),
        Value::from(status),
        subject.owner_id.as_uuid().into(),
    ]
}

/// Type, complexity and status; empty while unknown, and for conversations, whose messages have none of them.
fn group_of(subject: &Subject) -> (&'static str, &'static str, &'static str) {
    match subject.kind {
        SubjectKind::Conversation => ("", "", ""),
        SubjectKind::Task => (
            subject.task_type.map_or("", domain::task::TaskType::as_str),
            subject.complexity.map_or("", domain::task::Complexity::as_str),
            subject.status.as_str(),
        ),
    }
}
