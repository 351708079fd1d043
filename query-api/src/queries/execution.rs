//! Executions and their logs. Whether one may be seen is decided by its task, which is joined each time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::error::QueryError;
use crate::live::Reads;
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// A row of `execution`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ExecutionRow {
    pub(crate) task_id: Uuid,
    pub(crate) attempt: i64,
    pub(crate) id: Uuid,
    pub(crate) strategy: String,
    pub(crate) model: Option<String>,
    pub(crate) status: String,
    pub(crate) progress_percent: Option<i64>,
    pub(crate) log_line_count: i64,
    pub(crate) files_changed: Option<i64>,
    pub(crate) lines_added: Option<i64>,
    pub(crate) lines_removed: Option<i64>,
    pub(crate) tokens_used: Option<i64>,
    pub(crate) cost_micro_usd: Option<i64>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) commit: Option<String>,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
}

const COLUMNS: &str = "e.task_id, e.attempt, e.id, e.strategy, e.model, e.status, e.progress_percent, e.log_line_count, \
    e.files_changed, e.lines_added, e.lines_removed, e.tokens_used, e.cost_micro_usd, e.duration_ms, e.commit, e.error_code, \
    e.error_message, e.started_at, e.finished_at";

/// A row of `execution_log`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct LogRow {
    pub(crate) task_id: Uuid,
    pub(crate) attempt: i64,
    pub(crate) line: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) level: String,
    pub(crate) message: String,
}

/// The last attempts at each of these tasks, oldest first.
pub(crate) async fn of_tasks(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    tasks: &[Uuid],
    last: i64,
) -> Result<HashMap<Uuid, Vec<ExecutionRow>>, QueryError> {
    let schema = snapshot.schema_with(&["execution", "task"], Reads::Tasks(tasks))?;
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(COLUMNS)
        .push(" FROM ")
        .push(schema)
        .push(".task t CROSS JOIN LATERAL (SELECT * FROM ")
        .push(schema);
    sql.push(".execution WHERE execution.task_id = t.id ORDER BY attempt DESC LIMIT ")
        .push_bind(last);
    sql.push(") AS e WHERE t.id = ANY(").push_bind(tasks.to_vec()).push(")");
    viewer.push_row_rule(&mut sql, "t.owner_id", "t.status");
    sql.push(" ORDER BY e.task_id, e.attempt");
    let rows: Vec<ExecutionRow> = sql.build_query_as().fetch_all(snapshot.connection()).await?;
    let mut by_task: HashMap<Uuid, Vec<ExecutionRow>> = HashMap::new();
    for row in rows {
        by_task.entry(row.task_id).or_default().push(row);
    }
    Ok(by_task)
}

/// The execution with this id. Callers choose ids, so of several the oldest that the viewer may see.
pub(crate) async fn by_id(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    id: Uuid,
) -> Result<Option<ExecutionRow>, QueryError> {
    let schema = snapshot.schema_with(&["execution", "task"], Reads::AllTasks)?;
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(COLUMNS)
        .push(" FROM ")
        .push(schema)
        .push(".execution e JOIN ")
        .push(schema);
    sql.push(".task t ON t.id = e.task_id WHERE e.id = ").push_bind(id);
    viewer.push_row_rule(&mut sql, "t.owner_id", "t.status");
    sql.push(" ORDER BY e.started_at, e.task_id, e.attempt LIMIT 1");
    Ok(sql.build_query_as().fetch_optional(snapshot.connection()).await?)
}

/// The kept log lines of these attempts, which the viewer is known to see.
pub(crate) async fn logs(
    snapshot: &mut OpenSnapshot,
    attempts: &[(Uuid, i64)],
) -> Result<HashMap<(Uuid, i64), Vec<LogRow>>, QueryError> {
    let (tasks, numbers): (Vec<Uuid>, Vec<i64>) = attempts.iter().copied().unzip();
    let mut sql = QueryBuilder::new("SELECT l.* FROM unnest(");
    sql.push_bind(tasks.clone())
        .push(", ")
        .push_bind(numbers)
        .push(") AS wanted (task_id, attempt) JOIN ");
    sql.push(snapshot.schema_with(&["execution"], Reads::Tasks(&tasks))?)
        .push(".execution_log l USING (task_id, attempt) ORDER BY l.task_id, l.attempt, l.line");
    let rows: Vec<LogRow> = sql.build_query_as().fetch_all(snapshot.connection()).await?;
    let mut by_attempt: HashMap<(Uuid, i64), Vec<LogRow>> = HashMap::new();
    for row in rows {
        by_attempt.entry((row.task_id, row.attempt)).or_default().push(row);
    }
    Ok(by_attempt)
}
