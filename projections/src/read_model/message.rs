//! One row a message; never changed.

use domain::DomainEvent;
use domain::conversation::ConversationEvent;

use crate::operation::RowOperations;
use crate::projector::{DecodedEvent, Projector};
use crate::subject::SubjectChange;
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

static MESSAGE: TableDefinition = TableDefinition {
    name: "message",
    key: &[
        Column::required("conversation_id", ColumnType::Uuid),
        Column::required("sequence", ColumnType::Int),
    ],
    columns: &[
        Column::required("id", ColumnType::Uuid),
        Column::required("owner_id", ColumnType::Uuid),
        Column::required("role", ColumnType::Text),
        Column::nullable("author_id", ColumnType::Uuid),
        Column::required("content", ColumnType::Text),
        Column::required("attachments", ColumnType::TextArray),
        Column::nullable("model", ColumnType::Text),
        Column::nullable("tokens_used", ColumnType::Int),
        Column::required("sent_at", ColumnType::Timestamp),
    ],
    kind: TableKind::Appends,
};

/// Threads and full-text search.
pub struct MessageProjector;

impl Projector for MessageProjector {
    fn name(&self) -> &'static str {
        "message"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../../migrations/read-models/message.sql")
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&MESSAGE] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let DomainEvent::Conversation(ConversationEvent::MessageSent(message)) = &event.domain else {
            return;
        };
        let key = vec![change.after.id.into(), Value::count(change.after.revision)];
        let attachments = message.attachments.iter().map(ToString::to_string).collect();
        operations.create(
            &MESSAGE,
            key,
            vec![
                ("id", message.id.as_uuid().into()),
                ("owner_id", change.after.owner_id.as_uuid().into()),
                ("role", message.role.as_str().into()),
                ("author_id", message.author_id.map(domain::UserId::as_uuid).into()),
                ("content", message.content.as_str().into()),
                ("attachments", Value::TextArray(attachments)),
                ("model", message.model.as_deref().into()),
                ("tokens_used", message.tokens_used.map_or(Value::Null, Value::count)),
                ("sent_at", event.recorded.time.into()),
            ],
        );
    }
}
