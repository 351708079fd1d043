//! The table `subject`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::{StreamId, UserId};
use uuid::Uuid;

use super::{Measures, Subject};
use crate::operation::{Columns, Key};
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

/// The table that the engine keeps beside those of the projectors.
pub static SUBJECT_TABLE: TableDefinition = TableDefinition {
    name: "subject",
    key: &[Column::required("stream", ColumnType::Text)],
    columns: &[
        Column::required("kind", ColumnType::Text),
        Column::required("id", ColumnType::Uuid),
        Column::required("owner_id", ColumnType::Uuid),
        Column::required("title", ColumnType::Text),
        Column::required("created_day", ColumnType::Date),
        Column::nullable("task_type", ColumnType::Text),
        Column::required("type_chosen", ColumnType::Bool),
        Column::nullable("complexity", ColumnType::Text),
        Column::required("complexity_chosen", ColumnType::Bool),
        Column::required("status", ColumnType::Text),
        Column::nullable("conversation_id", ColumnType::Uuid),
        Column::required("attempt", ColumnType::Int),
        Column::nullable("running_execution_id", ColumnType::Uuid),
        Column::required("log_lines", ColumnType::Int),
        Column::required("message_count", ColumnType::Int),
        Column::required("measures", ColumnType::Json),
        Column::required("revision", ColumnType::Int),
    ],
    kind: TableKind::Rows,
};

/// The columns of [`SubjectRow`], to be followed by `from` and the schema's table.
pub(crate) const SELECT_SUBJECTS: &str = "select stream, kind, id, owner_id, title, created_day, task_type, type_chosen, \
     complexity, complexity_chosen, status, conversation_id, attempt, running_execution_id, log_lines, message_count, measures, revision";

/// A row as the database returns it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SubjectRow {
    pub(crate) stream: String,
    kind: String,
    id: Uuid,
    owner_id: Uuid,
    title: String,
    created_day: NaiveDate,
    task_type: Option<String>,
    type_chosen: bool,
    complexity: Option<String>,
    complexity_chosen: bool,
    status: String,
    conversation_id: Option<Uuid>,
    attempt: i64,
    running_execution_id: Option<Uuid>,
    log_lines: i64,
    message_count: i64,
    measures: sqlx::types::Json<BTreeMap<NaiveDate, Measures>>,
    revision: i64,
}

impl SubjectRow {
    /// The subject, unless the row was not written by this software.
    pub(crate) fn into_subject(self) -> Option<Subject> {
        Some(Subject {
            stream: StreamId::parse(&self.stream).ok()?,
            kind: self.kind.parse().ok()?,
            id: self.id,
            owner_id: UserId::new(self.owner_id),
            title: self.title,
            created_day: self.created_day,
            task_type: self.task_type.map(|name| name.parse()).transpose().ok()?,
            type_chosen: self.type_chosen,
            complexity: self.complexity.map(|name| name.parse()).transpose().ok()?,
            complexity_chosen: self.complexity_chosen,
            status: self.status.parse().ok()?,
            conversation_id: self.conversation_id.map(Into::into),
            attempt: self.attempt,
            running_execution: self.running_execution_id.map(Into::into),
            log_lines: self.log_lines,
            message_count: self.message_count,
            measures: self.measures.0,
            revision: u64::try_from(self.revision).ok()?,
        })
    }
}

impl Subject {
    pub(crate) fn key(&self) -> Key {
        vec![self.stream.as_str().into()]
    }

    pub(crate) fn columns(&self) -> Columns {
        // Serialising a map of numbers cannot fail; an empty map would be noticed by the comparison with a replay.
        let measures = serde_json::to_value(&self.measures).unwrap_or_default();
        vec![
            ("kind", self.kind.as_str().into()),
            ("id", self.id.into()),
            ("owner_id", self.owner_id.as_uuid().into()),
            ("title", self.title.as_str().into()),
            ("created_day", self.created_day.into()),
            ("task_type", self.task_type.map(domain::task::TaskType::as_str).into()),
            ("type_chosen", self.type_chosen.into()),
            (
                "complexity",
                self.complexity.map(domain::task::Complexity::as_str).into(),
            ),
            ("complexity_chosen", self.complexity_chosen.into()),
            ("status", self.status.as_str().into()),
            (
                "conversation_id",
                self.conversation_id.map(domain::ConversationId::as_uuid).into(),
            ),
            ("attempt", self.attempt.into()),
            (
                "running_execution_id",
                self.running_execution.map(domain::ExecutionId::as_uuid).into(),
            ),
            ("log_lines", self.log_lines.into()),
            ("message_count", self.message_count.into()),
            ("measures", Value::Json(measures)),
            ("revision", Value::count(self.revision)),
        ]
    }
}
