//! One row a conversation.

use domain::DomainEvent;
use domain::conversation::ConversationEvent;

use super::preview;
use crate::operation::RowOperations;
use crate::projector::{DecodedEvent, Projector};
use crate::subject::SubjectChange;
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

static CONVERSATION: TableDefinition = TableDefinition {
    name: "conversation",
    key: &[Column::required("id", ColumnType::Uuid)],
    columns: &[
        Column::required("owner_id", ColumnType::Uuid),
        Column::required("title", ColumnType::Text),
        Column::required("status", ColumnType::Text),
        Column::counter("message_count"),
        Column::nullable("last_message_at", ColumnType::Timestamp),
        Column::nullable("last_message_role", ColumnType::Text),
        Column::nullable("last_message_author_id", ColumnType::Uuid),
        Column::nullable("last_message_preview", ColumnType::Text),
        Column::required("created_at", ColumnType::Timestamp),
        Column::required("updated_at", ColumnType::Timestamp),
        Column::required("revision", ColumnType::Int),
    ],
    kind: TableKind::Rows,
};

/// List and detail of conversations.
pub struct ConversationProjector;

impl Projector for ConversationProjector {
    fn name(&self) -> &'static str {
        "conversation"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../../migrations/read-models/conversation.sql")
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&CONVERSATION] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let DomainEvent::Conversation(happened) = &event.domain else {
            return;
        };
        let after = change.after;
        let key = vec![after.id.into()];
        let mut columns = vec![
            ("updated_at", event.recorded.time.into()),
            ("revision", Value::count(after.revision)),
        ];
        match happened {
            ConversationEvent::Started { .. } => {
                columns.extend([
                    ("owner_id", after.owner_id.as_uuid().into()),
                    ("title", after.title.as_str().into()),
                    ("status", after.status.as_str().into()),
                    ("created_at", event.recorded.time.into()),
                ]);
                operations.create(&CONVERSATION, key, columns);
                return;
            }
            ConversationEvent::Renamed { title } => columns.push(("title", title.as_str().into())),
            ConversationEvent::MessageSent(message) => columns.extend([
                ("message_count", after.message_count.into()),
                ("last_message_at", event.recorded.time.into()),
                ("last_message_role", message.role.as_str().into()),
                (
                    "last_message_author_id",
                    message.author_id.map(domain::UserId::as_uuid).into(),
                ),
                ("last_message_preview", preview(&message.content).into()),
            ]),
            ConversationEvent::Archived | ConversationEvent::Reopened | ConversationEvent::Deleted => {
                columns.push(("status", after.status.as_str().into()));
            }
        }
        operations.patch(&CONVERSATION, key, columns);
    }
}
