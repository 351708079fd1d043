//! Which tasks a list holds, and in which order.

use async_graphql::{Enum, ID, InputObject};
use chrono::{DateTime, Utc};

use crate::error::QueryError;
use crate::paging::{Key, KeyKind, Sort, SortDirection};
use crate::queries::task::TaskSource;
use crate::schema::filters::{OrderDirection, optional_uuid_of, sought_text};
use crate::schema::stored_enums::{Complexity, TaskStatus, TaskType};
use crate::viewer::Viewer;

/// Which tasks; all conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct TaskFilter {
    /// This type.
    r#type: Option<TaskType>,
    /// This complexity.
    complexity: Option<Complexity>,
    /// This status.
    status: Option<TaskStatus>,
    /// Owned by this user.
    owner_id: Option<ID>,
    /// Created at this time or later.
    created_after: Option<DateTime<Utc>>,
    /// Created before this time.
    created_before: Option<DateTime<Utc>>,
    /// Title or description holds this text, in whatever case.
    text: Option<String>,
}

impl TaskFilter {
    pub(super) fn source(self, viewer: Viewer) -> Result<TaskSource, QueryError> {
        Ok(TaskSource {
            viewer,
            task_type: self.r#type.map(TaskType::stored),
            complexity: self.complexity.map(Complexity::stored),
            status: self.status.map(TaskStatus::stored),
            owner_id: optional_uuid_of("filter.ownerId", self.owner_id.as_ref())?,
            created_after: self.created_after,
            created_before: self.created_before,
            text: self.text.map(|text| sought_text("filter.text", &text)).transpose()?,
        })
    }
}

/// The order of tasks; equal ones by id.
#[derive(InputObject)]
pub(crate) struct TaskOrder {
    /// By what.
    field: TaskOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// What tasks can be ordered by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskOrderField {
    /// When it was created.
    CreatedAt,
    /// When it changed last.
    UpdatedAt,
    /// How urgent it is.
    Priority,
    /// Its title.
    Title,
}

impl Default for TaskOrder {
    fn default() -> Self {
        Self {
            field: TaskOrderField::CreatedAt,
            direction: OrderDirection::Desc,
        }
    }
}

impl TaskOrder {
    pub(super) fn sort(&self) -> Sort {
        let key = match self.field {
            TaskOrderField::CreatedAt => Key {
                column: "t.created_at",
                kind: KeyKind::Time,
            },
            TaskOrderField::UpdatedAt => Key {
                column: "t.updated_at",
                kind: KeyKind::Time,
            },
            TaskOrderField::Priority => Key {
                column: "t.priority",
                kind: KeyKind::Int,
            },
            TaskOrderField::Title => Key {
                column: "t.title",
                kind: KeyKind::Text,
            },
        };
        let id = Key {
            column: "t.id",
            kind: KeyKind::Uuid,
        };
        Sort {
            list: "task",
            keys: vec![key, id],
            direction: SortDirection::from(self.direction),
        }
    }
}
