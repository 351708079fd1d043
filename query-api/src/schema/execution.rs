//! Executions: the attempts at a task.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, Object, SimpleObject};
use chrono::{DateTime, Utc};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::stored_enums::{ExecutionStatus, LogLevel, Strategy};
use super::task::Failure;
use crate::error::QueryError;
use crate::queries::execution::{self as rows, ExecutionRow, LogRow};
use crate::scalars::BigInt;
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// What the executions of one page load together.
pub(super) struct ExecutionPage {
    attempts: Vec<(Uuid, i64)>,
    logs: OnceCell<HashMap<(Uuid, i64), Vec<LogRow>>>,
}

impl ExecutionPage {
    /// Executions of several tasks that are answered together.
    pub(super) fn of_tasks(by_task: HashMap<Uuid, Vec<ExecutionRow>>) -> HashMap<Uuid, Vec<Execution>> {
        let attempts = by_task
            .values()
            .flatten()
            .map(|row| (row.task_id, row.attempt))
            .collect();
        let page = Arc::new(Self {
            attempts,
            logs: OnceCell::new(),
        });
        let of_page = |row| Execution {
            row: Arc::new(row),
            page: Arc::clone(&page),
        };
        by_task
            .into_iter()
            .map(|(task, rows)| (task, rows.into_iter().map(of_page).collect()))
            .collect()
    }
}

/// One execution, for `node`.
pub(super) async fn load(context: &Context<'_>, id: Uuid) -> Result<Option<Execution>, QueryError> {
    let viewer = *context.data_unchecked::<Viewer>();
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let Some(row) = rows::by_id(&mut snapshot, viewer, id).await? else {
        return Ok(None);
    };
    let by_task = ExecutionPage::of_tasks(HashMap::from([(row.task_id, vec![row])]));
    Ok(by_task.into_values().flatten().next())
}

/// One attempt at a task.
#[derive(Clone)]
pub(crate) struct Execution {
    row: Arc<ExecutionRow>,
    page: Arc<ExecutionPage>,
}

/// One attempt at a task.
#[Object]
impl Execution {
    /// A UUID.
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    /// The task.
    async fn task_id(&self) -> ID {
        self.row.task_id.into()
    }

    /// 1 for the first.
    async fn attempt(&self) -> i64 {
        self.row.attempt
    }

    /// How it goes about the task.
    async fn strategy(&self) -> Result<Strategy, QueryError> {
        Strategy::from_stored(&self.row.strategy)
    }

    /// The model it uses, when known.
    async fn model(&self) -> Option<&str> {
        self.row.model.as_deref()
    }

    /// Where it stands.
    async fn status(&self) -> Result<ExecutionStatus, QueryError> {
        ExecutionStatus::from_stored(&self.row.status)
    }

    /// 0 to 100, when the worker can tell.
    async fn progress_percent(&self) -> Option<i64> {
        self.row.progress_percent
    }

    /// When it started.
    async fn started_at(&self) -> DateTime<Utc> {
        self.row.started_at
    }

    /// When it ended.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.row.finished_at
    }

    /// Files touched.
    async fn files_changed(&self) -> Option<BigInt> {
        self.row.files_changed.map(BigInt)
    }

    /// Lines added.
    async fn lines_added(&self) -> Option<BigInt> {
        self.row.lines_added.map(BigInt)
    }

    /// Lines removed.
    async fn lines_removed(&self) -> Option<BigInt> {
        self.row.lines_removed.map(BigInt)
    }

    /// Tokens spent.
    async fn tokens_used(&self) -> Option<BigInt> {
        self.row.tokens_used.map(BigInt)
    }

    /// Micro-US-dollars spent.
    async fn cost_micro_usd(&self) -> Option<BigInt> {
        self.row.cost_micro_usd.map(BigInt)
    }

    /// Milliseconds.
    async fn duration_ms(&self) -> Option<BigInt> {
        self.row.duration_ms.map(BigInt)
    }

    /// The commit that holds the work.
    async fn commit(&self) -> Option<&str> {
        self.row.commit.as_deref()
    }

    /// Why it failed.
    async fn error(&self) -> Option<Failure> {
        Failure::of(self.row.error_code.as_deref(), self.row.error_message.as_deref())
    }

    /// How many lines its log has in all.
    async fn log_line_count(&self) -> i64 {
        self.row.log_line_count
    }

    /// The last lines of its log, at most 100, oldest first.
    #[graphql(complexity = "1 + 20 * child_complexity")]
    async fn log(&self, context: &Context<'_>) -> Result<Option<Vec<LogLine>>, QueryError> {
        let load = || async {
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            rows::logs(&mut snapshot, &self.page.attempts).await
        };
        let logs = self.page.logs.get_or_try_init(load).await?;
        let lines = logs
            .get(&(self.row.task_id, self.row.attempt))
            .map_or(&[][..], Vec::as_slice);
        lines.iter().map(LogLine::of_row).collect::<Result<_, _>>().map(Some)
    }
}

/// One line of an execution's log.
#[derive(SimpleObject)]
pub(crate) struct LogLine {
    /// 1 for the first that was reported.
    line: i64,
    /// When the worker wrote it.
    at: DateTime<Utc>,
    /// How grave it is.
    level: LogLevel,
    /// The text.
    message: String,
}

impl LogLine {
    fn of_row(row: &LogRow) -> Result<Self, QueryError> {
        let level = LogLevel::from_stored(&row.level)?;
        Ok(Self {
            line: row.line,
            at: row.at,
            level,
            message: row.message.clone(),
        })
    }
}
