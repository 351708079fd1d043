//! One row an event, for people.

use domain::DomainEvent;
use domain::conversation::ConversationEvent;
use domain::task::TaskEvent;

use super::preview;
use crate::operation::RowOperations;
use crate::projector::{DecodedEvent, Projector};
use crate::subject::SubjectChange;
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

static ACTIVITY: TableDefinition = TableDefinition {
    name: "activity",
    // Not the event's id: its order is random, and every index on such a key is written all over. The kind is part of it because a
    // conversation and a task may have the same UUID: it follows from principal and command id, or was imported.
    key: &[
        Column::required("subject_id", ColumnType::Uuid),
        Column::required("revision", ColumnType::Int),
        Column::required("subject_kind", ColumnType::Text),
    ],
    columns: &[
        Column::required("id", ColumnType::Uuid),
        Column::required("at", ColumnType::Timestamp),
        Column::required("type", ColumnType::Text),
        Column::required("stream", ColumnType::Text),
        Column::required("owner_id", ColumnType::Uuid),
        Column::required("actor_id", ColumnType::Uuid),
        Column::required("role", ColumnType::Text),
        Column::required("summary", ColumnType::Text),
    ],
    kind: TableKind::Appends,
};

/// What happened, newest first, per user and for all.
pub struct ActivityProjector;

impl Projector for ActivityProjector {
    fn name(&self) -> &'static str {
        "activity"
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        include_str!("../../../migrations/read-models/activity.sql")
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&ACTIVITY] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let after = change.after;
        let summary = match &event.domain {
            // Reports come every few seconds and would bury everything else.
            DomainEvent::Task(TaskEvent::ExecutionProgressed { .. }) => return,
            DomainEvent::Conversation(ConversationEvent::MessageSent(message)) => preview(&message.content),
            _ => preview(&after.title),
        };
        let recorded = &event.recorded;
        operations.create(
            &ACTIVITY,
            vec![
                after.id.into(),
                Value::count(recorded.revision),
                after.kind.as_str().into(),
            ],
            vec![
                ("id", recorded.id.as_uuid().into()),
                ("at", recorded.time.into()),
                ("type", without_version(&recorded.event_type).into()),
                ("stream", recorded.stream.as_str().into()),
                ("owner_id", after.owner_id.as_uuid().into()),
                ("actor_id", recorded.metadata.actor.as_uuid().into()),
                ("role", recorded.metadata.role.as_str().into()),
                ("summary", summary.into()),
            ],
        );
    }
}

fn without_version(event_type: &str) -> &str {
    event_type.rsplit_once(".v").map_or(event_type, |(name, _)| name)
}
