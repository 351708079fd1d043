//! One row an attempt at a task, and the last lines of its log.

use domain::DomainEvent;
use domain::task::{ExecutionResult, LogLine, TaskEvent};

use crate::operation::{Columns, Key, RowOperations};
use crate::projector::{DecodedEvent, Projector};
use crate::subject::{Subject, SubjectChange};
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::{ColumnType, Value};

/// Lines of log that are kept of each execution.
pub const EXECUTION_LOG_LINES: i64 = 100;

static EXECUTION: TableDefinition = TableDefinition {
    name: "execution",
    key: &[
        Column::required("task_id", ColumnType::Uuid),
        Column::required("attempt", ColumnType::Int),
    ],
    columns: &[
        Column::required("id", ColumnType::Uuid),
        Column::required("owner_id", ColumnType::Uuid),
        Column::required("strategy", ColumnType::Text),
        Column::nullable("model", ColumnType::Text),
        Column::required("status", ColumnType::Text),
        Column::nullable("progress_percent", ColumnType::Int),
        Column::counter("log_line_count"),
        Column::nullable("files_changed", ColumnType::Int),
        Column::nullable("lines_added", ColumnType::Int),
        Column::nullable("lines_removed", ColumnType::Int),
        Column::nullable("tokens_used", ColumnType::Int),
        Column::nullable("cost_micro_usd", ColumnType::Int),
        Column::nullable("duration_ms", ColumnType::Int),
        Column::nullable("commit", ColumnType::Text),
        Column::nullable("error_code", ColumnType::Text),
        Column::nullable("error_message", ColumnType::Text),
        Column::required("started_at", ColumnType::Timestamp),
        Column::nullable("finished_at", ColumnType::Timestamp),
    ],
    kind: TableKind::Rows,
};

static EXECUTION_LOG: TableDefinition = TableDefinition {
    name: "execution_log",
    key: &[
        Column::required("task_id", ColumnType::Uuid),
        Column::required("attempt", ColumnType::Int),
        Column::required("line", ColumnType::Int),
    ],
    columns: &[
        Column::required("at", ColumnType::Timestamp),
        Column::required("level", ColumnType::Text),
        Column::required("message", ColumnType::Text),
    ],
    kind: TableKind::Rows,
};

/// History of attempts, their results and costs.
pub struct ExecutionProjector;

impl Projector for ExecutionProjector {
    fn name(&self) -> &'static str {
        "execution"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../../migrations/read-models/execution.sql")
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&EXECUTION, &EXECUTION_LOG] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let DomainEvent::Task(happened) = &event.domain else {
            return;
        };
        let after = change.after;
        let at = event.recorded.time;
        let finished = |status: &str, mut columns: Columns| {
            columns.extend([("status", status.into()), ("finished_at", at.into())]);
            columns
        };
        let columns = match happened {
            TaskEvent::ExecutionStarted {
                execution_id,
                strategy,
                model,
                ..
            } => {
                let columns = vec![
                    ("id", execution_id.as_uuid().into()),
                    ("owner_id", after.owner_id.as_uuid().into()),
                    ("strategy", strategy.as_str().into()),
                    ("model", model.as_deref().into()),
                    ("status", "running".into()),
                    ("started_at", at.into()),
                ];
                operations.create(&EXECUTION, key(after), columns);
                return;
            }
            TaskEvent::ExecutionProgressed { percent, log, .. } => {
                append_log(change, log, operations);
                let mut columns: Columns = vec![("log_line_count", after.log_lines.into())];
                columns.extend(percent.map(|percent| ("progress_percent", i64::from(percent).into())));
                columns
            }
            TaskEvent::ExecutionCompleted { result, .. } => finished("completed", results(result)),
            TaskEvent::ExecutionFailed {
                code,
                message,
                tokens_used,
                cost_micro_usd,
                duration_ms,
                ..
            } => finished(
                "failed",
                vec![
                    ("error_code", code.as_str().into()),
                    ("error_message", message.as_str().into()),
                    ("tokens_used", Value::count(*tokens_used)),
                    ("cost_micro_usd", Value::count(*cost_micro_usd)),
                    ("duration_ms", Value::count(*duration_ms)),
                ],
            ),
            TaskEvent::Cancelled { .. } if change.before.is_some_and(|before| before.running_execution.is_some()) => {
                finished("cancelled", Vec::new())
            }
            _ => return,
        };
        operations.patch(&EXECUTION, key(after), columns);
    }
}

/// An execution is named by its place in the task's history: its own id was chosen by the caller.
fn key(after: &Subject) -> Key {
    vec![after.id.into(), after.attempt.into()]
}

fn results(result: &ExecutionResult) -> Columns {
    vec![
        ("progress_percent", 100_i64.into()),
        ("files_changed", Value::count(result.files_changed)),
        ("lines_added", Value::count(result.lines_added)),
        ("lines_removed", Value::count(result.lines_removed)),
        ("tokens_used", Value::count(result.tokens_used)),
        ("cost_micro_usd", Value::count(result.cost_micro_usd)),
        ("duration_ms", Value::count(result.duration_ms)),
        ("commit", result.commit.as_deref().into()),
    ]
}

/// Adds the new lines and removes as many old ones, so that a long log costs what its new lines cost.
fn append_log(change: &SubjectChange<'_>, log: &[LogLine], operations: &mut RowOperations) {
    let logged_before = change.before.map_or(0, |before| before.log_lines);
    let logged_after = change.after.log_lines;
    let line_key = |line: i64| vec![change.after.id.into(), change.after.attempt.into(), line.into()];
    for (line, text) in (logged_before + 1..).zip(log) {
        let columns = vec![
            ("at", text.at.into()),
            ("level", text.level.as_str().into()),
            ("message", text.message.as_str().into()),
        ];
        operations.insert(&EXECUTION_LOG, line_key(line), columns);
    }
    let first_kept_before = (logged_before - EXECUTION_LOG_LINES).max(0) + 1;
    let first_kept_after = (logged_after - EXECUTION_LOG_LINES).max(0) + 1;
    for line in first_kept_before..first_kept_after {
        operations.delete(&EXECUTION_LOG, line_key(line));
    }
}
