//! Bodies of the commands about a task's executions.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::dto::words::{LogLevelWord, StrategyWord};

/// Begins the first execution of a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StartExecution {
    /// How to go about it.
    pub(crate) strategy: StrategyWord,
    /// The model to use, when known.
    #[schema(max_length = 100)]
    pub(crate) model: Option<String>,
    /// Services only: the id of the execution; derived from the command when left out.
    pub(crate) execution_id: Option<Uuid>,
}

/// Tries a failed or cancelled task again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryTask {
    /// Left out: as the last time.
    pub(crate) strategy: Option<StrategyWord>,
    /// The model to use, when known.
    #[schema(max_length = 100)]
    pub(crate) model: Option<String>,
}

/// A worker tells how far it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReportProgress {
    /// The running execution; on its own route the path names it.
    pub(crate) execution_id: Option<Uuid>,
    /// 0 to 100.
    #[schema(maximum = 100)]
    pub(crate) percent: Option<u64>,
    /// At most 100 new lines of its log.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub(crate) log: Vec<ReportedLine>,
}

/// One line of an execution's log.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReportedLine {
    /// When the worker wrote it.
    pub(crate) at: DateTime<Utc>,
    /// How grave it is.
    pub(crate) level: LogLevelWord,
    /// At most 2,000 characters.
    #[schema(max_length = 2_000)]
    pub(crate) message: String,
}

/// A worker is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CompleteExecution {
    /// The running execution; on its own route the path names it.
    pub(crate) execution_id: Option<Uuid>,
    /// Files touched.
    pub(crate) files_changed: u64,
    /// Lines added.
    pub(crate) lines_added: u64,
    /// Lines removed.
    pub(crate) lines_removed: u64,
    /// Tokens spent.
    pub(crate) tokens_used: u64,
    /// Micro-US-dollars spent.
    pub(crate) cost_micro_usd: u64,
    /// Milliseconds.
    pub(crate) duration_ms: u64,
    /// The commit that holds the work.
    #[schema(max_length = 100)]
    pub(crate) commit: Option<String>,
}

/// A worker gives up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FailExecution {
    /// The running execution; on its own route the path names it.
    pub(crate) execution_id: Option<Uuid>,
    /// Stable, for programs; 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) code: String,
    /// For people; 1 to 5,000 characters.
    #[schema(min_length = 1, max_length = 5_000)]
    pub(crate) message: String,
    /// Tokens spent.
    pub(crate) tokens_used: u64,
    /// Micro-US-dollars spent.
    pub(crate) cost_micro_usd: u64,
    /// Milliseconds.
    pub(crate) duration_ms: u64,
}
