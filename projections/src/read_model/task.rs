//! One row a task.

use chrono::{DateTime, Utc};
use domain::DomainEvent;
use domain::task::{Classification, PullRequest, TaskEvent};

use crate::operation::{Columns, RowOperations};
use crate::projector::{DecodedEvent, Projector};
use crate::subject::{Subject, SubjectChange};
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

static TASK: TableDefinition = TableDefinition {
    name: "task",
    key: &[Column::required("id", ColumnType::Uuid)],
    columns: &[
        Column::required("owner_id", ColumnType::Uuid),
        Column::required("title", ColumnType::Text),
        Column::required("description", ColumnType::Text),
        Column::nullable("type", ColumnType::Text),
        Column::nullable("complexity", ColumnType::Text),
        Column::required("status", ColumnType::Text),
        Column::required("priority", ColumnType::Int),
        Column::nullable("conversation_id", ColumnType::Uuid),
        Column::nullable("classified_type", ColumnType::Text),
        Column::nullable("classified_complexity", ColumnType::Text),
        Column::nullable("confidence_permille", ColumnType::Int),
        Column::nullable("classifier", ColumnType::Text),
        Column::nullable("classifier_version", ColumnType::Text),
        Column::nullable("classified_at", ColumnType::Timestamp),
        Column::nullable("running_execution_id", ColumnType::Uuid),
        Column::counter("attempt_count"),
        Column::nullable("error_code", ColumnType::Text),
        Column::nullable("error_message", ColumnType::Text),
        Column::nullable("cancel_reason", ColumnType::Text),
        Column::nullable("pull_request_repository", ColumnType::Text),
        Column::nullable("pull_request_number", ColumnType::Int),
        Column::nullable("pull_request_url", ColumnType::Text),
        Column::counter("files_changed"),
        Column::counter("lines_added"),
        Column::counter("lines_removed"),
        Column::counter("tokens_used"),
        Column::counter("cost_micro_usd"),
        Column::counter("duration_ms"),
        Column::nullable("last_commit", ColumnType::Text),
        Column::nullable("started_at", ColumnType::Timestamp),
        Column::nullable("finished_at", ColumnType::Timestamp),
        Column::required("created_at", ColumnType::Timestamp),
        Column::required("updated_at", ColumnType::Timestamp),
        Column::required("revision", ColumnType::Int),
    ],
    kind: TableKind::Rows,
};

/// List and detail of tasks.
pub struct TaskProjector;

impl Projector for TaskProjector {
    fn name(&self) -> &'static str {
        "task"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../../migrations/read-models/task.sql")
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&TASK] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let DomainEvent::Task(happened) = &event.domain else {
            return;
        };
        let after = change.after;
        let at = event.recorded.time;
        let key = vec![after.id.into()];
        let mut columns = vec![
            ("status", after.status.as_str().into()),
            ("updated_at", at.into()),
            ("revision", Value::count(after.revision)),
        ];
        if let TaskEvent::Created {
            description, priority, ..
        } = happened
        {
            columns.extend(created(after, description, *priority, at));
            operations.create(&TASK, key, columns);
        } else {
            columns.extend(changed(after, happened, at));
            operations.patch(&TASK, key, columns);
        }
    }
}

fn created(after: &Subject, description: &str, priority: u8, at: DateTime<Utc>) -> Columns {
    let mut columns = group(after);
    columns.extend([
        ("owner_id", after.owner_id.as_uuid().into()),
        ("title", after.title.as_str().into()),
        ("description", description.into()),
        ("priority", i64::from(priority).into()),
        (
            "conversation_id",
            after.conversation_id.map(domain::ConversationId::as_uuid).into(),
        ),
        ("created_at", at.into()),
    ]);
    columns
}

fn changed(after: &Subject, happened: &TaskEvent, at: DateTime<Utc>) -> Columns {
    match happened {
        TaskEvent::Amended {
            title,
            description,
            priority,
            ..
        } => {
            let mut columns = group(after);
            columns.extend(title.as_deref().map(|title| ("title", title.into())));
            columns.extend(
                description
                    .as_deref()
                    .map(|description| ("description", description.into())),
            );
            columns.extend(priority.map(|priority| ("priority", i64::from(priority).into())));
            columns
        }
        TaskEvent::Classified(classification) => classified(after, classification, at),
        TaskEvent::ClassificationFailed { code, message } => error(Some(code), Some(message)),
        TaskEvent::ExecutionStarted { .. } => {
            let mut columns = error(None, None);
            columns.extend(running(after));
            columns.extend([
                ("cancel_reason", Value::Null),
                ("started_at", at.into()),
                ("finished_at", Value::Null),
            ]);
            columns
        }
        TaskEvent::ExecutionCompleted { result, .. } => {
            let mut columns = finished(after, at);
            columns.push(("last_commit", result.commit.as_deref().into()));
            columns
        }
        TaskEvent::ExecutionFailed { code, message, .. } => {
            let mut columns = finished(after, at);
            columns.extend(error(Some(code), Some(message)));
            columns
        }
        TaskEvent::PullRequestLinked(PullRequest {
            repository,
            number,
            url,
        }) => vec![
            ("pull_request_repository", repository.as_str().into()),
            ("pull_request_number", Value::count(*number)),
            ("pull_request_url", url.as_str().into()),
        ],
        TaskEvent::Cancelled { reason } => {
            let mut columns = running(after);
            columns.push(("cancel_reason", reason.as_deref().into()));
            // Only an execution can finish: a task cancelled while it waits was never started.
            if after.attempt > 0 {
                columns.push(("finished_at", at.into()));
            }
            columns
        }
        TaskEvent::Created { .. }
        | TaskEvent::ClassificationRequested
        | TaskEvent::ExecutionProgressed { .. }
        | TaskEvent::Retried { .. }
        | TaskEvent::Deleted => Vec::new(),
    }
}

fn group(after: &Subject) -> Columns {
    vec![
        ("type", after.task_type.map(domain::task::TaskType::as_str).into()),
        (
            "complexity",
            after.complexity.map(domain::task::Complexity::as_str).into(),
        ),
    ]
}

fn classified(after: &Subject, classification: &Classification, at: DateTime<Utc>) -> Columns {
    let mut columns = group(after);
    columns.extend([
        ("classified_type", classification.task_type.as_str().into()),
        ("classified_complexity", classification.complexity.as_str().into()),
        (
            "confidence_permille",
            i64::from(classification.confidence_permille).into(),
        ),
        ("classifier", classification.classifier.as_str().into()),
        ("classifier_version", classification.classifier_version.as_str().into()),
        ("classified_at", at.into()),
    ]);
    columns
}

fn running(after: &Subject) -> Columns {
    vec![
        (
            "running_execution_id",
            after.running_execution.map(domain::ExecutionId::as_uuid).into(),
        ),
        ("attempt_count", after.attempt.into()),
    ]
}

fn finished(after: &Subject, at: DateTime<Utc>) -> Columns {
    let total = after.total();
    let mut columns = running(after);
    columns.extend([
        ("finished_at", at.into()),
        ("files_changed", total.files_changed.into()),
        ("lines_added", total.lines_added.into()),
        ("lines_removed", total.lines_removed.into()),
        ("tokens_used", total.tokens_used.into()),
        ("cost_micro_usd", total.cost_micro_usd.into()),
        ("duration_ms", total.duration_ms.into()),
    ]);
    columns
}

fn error(code: Option<&String>, message: Option<&String>) -> Columns {
    vec![
        ("error_code", code.map(String::as_str).into()),
        ("error_message", message.map(String::as_str).into()),
    ]
}
