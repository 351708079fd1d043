//! Tasks.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{contains_pattern, push_status_filter, push_time_range};
use crate::error::QueryError;
use crate::live::Reads;
use crate::paging::{PageRow, PageSource};
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// A row of `task`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct TaskRow {
    pub(crate) id: Uuid,
    pub(crate) owner_id: Uuid,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) r#type: Option<String>,
    pub(crate) complexity: Option<String>,
    pub(crate) status: String,
    pub(crate) priority: i64,
    pub(crate) conversation_id: Option<Uuid>,
    pub(crate) classified_type: Option<String>,
    pub(crate) classified_complexity: Option<String>,
    pub(crate) confidence_permille: Option<i64>,
    pub(crate) classifier: Option<String>,
    pub(crate) classifier_version: Option<String>,
    pub(crate) classified_at: Option<DateTime<Utc>>,
    pub(crate) running_execution_id: Option<Uuid>,
    pub(crate) attempt_count: i64,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) cancel_reason: Option<String>,
    pub(crate) pull_request_repository: Option<String>,
    pub(crate) pull_request_number: Option<i64>,
    pub(crate) pull_request_url: Option<String>,
    pub(crate) files_changed: i64,
    pub(crate) lines_added: i64,
    pub(crate) lines_removed: i64,
    pub(crate) tokens_used: i64,
    pub(crate) cost_micro_usd: i64,
    pub(crate) duration_ms: i64,
    pub(crate) last_commit: Option<String>,
    pub(crate) started_at: Option<DateTime<Utc>>,
    pub(crate) finished_at: Option<DateTime<Utc>>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) revision: i64,
}

impl PageRow for TaskRow {
    const COLUMNS: &'static str = "t.id, t.owner_id, t.title, t.description, t.type, t.complexity, t.status, t.priority, \
        t.conversation_id, t.classified_type, t.classified_complexity, t.confidence_permille, t.classifier, \
        t.classifier_version, t.classified_at, t.running_execution_id, t.attempt_count, t.error_code, t.error_message, \
        t.cancel_reason, t.pull_request_repository, t.pull_request_number, t.pull_request_url, t.files_changed, \
        t.lines_added, t.lines_removed, t.tokens_used, t.cost_micro_usd, t.duration_ms, t.last_commit, t.started_at, \
        t.finished_at, t.created_at, t.updated_at, t.revision";
}

/// Which tasks a list holds.
#[derive(Debug, Clone)]
pub(crate) struct TaskSource {
    pub(crate) viewer: Viewer,
    pub(crate) task_type: Option<&'static str>,
    pub(crate) complexity: Option<&'static str>,
    pub(crate) status: Option<&'static str>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) created_after: Option<DateTime<Utc>>,
    pub(crate) created_before: Option<DateTime<Utc>>,
    pub(crate) text: Option<String>,
}

impl PageSource for TaskSource {
    fn models(&self) -> &'static [&'static str] {
        &["task"]
    }

    fn reads(&self) -> Reads<'_> {
        Reads::AllTasks
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        sql.push(" FROM ").push(schema).push(".task t WHERE true");
        self.viewer.push_owner_rule(sql, "t.owner_id");
        push_status_filter(sql, "t.status", self.status, self.viewer.only_owner().is_none());
        if let Some(task_type) = self.task_type {
            sql.push(" AND t.type = ").push_bind(task_type);
        }
        if let Some(complexity) = self.complexity {
            sql.push(" AND t.complexity = ").push_bind(complexity);
        }
        if let Some(owner) = self.owner_id {
            sql.push(" AND t.owner_id = ").push_bind(owner);
        }
        push_time_range(sql, "t.created_at", self.created_after, self.created_before);
        if let Some(text) = &self.text {
            let pattern = contains_pattern(text);
            sql.push(" AND (t.title ILIKE ").push_bind(pattern.clone());
            sql.push(" OR t.description ILIKE ").push_bind(pattern).push(")");
        }
    }
}

/// The tasks with these ids that the viewer may see.
pub(crate) async fn by_ids(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, TaskRow>, QueryError> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(TaskRow::COLUMNS)
        .push(" FROM ")
        .push(snapshot.schema_with(&["task"], Reads::Tasks(ids))?)
        .push(".task t WHERE t.id = ANY(");
    sql.push_bind(ids.to_vec()).push(")");
    viewer.push_row_rule(&mut sql, "t.owner_id", "t.status");
    let rows: Vec<TaskRow> = sql.build_query_as().fetch_all(snapshot.connection()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
