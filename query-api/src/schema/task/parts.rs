//! Objects inside a task.

use async_graphql::{Object, SimpleObject};
use chrono::{DateTime, Utc};

use crate::error::QueryError;
use crate::queries::task::TaskRow;
use crate::scalars::BigInt;
use crate::schema::stored_enums::{Complexity, TaskType};

/// What the classifier said last. Type and complexity of the task may differ.
pub(crate) struct TaskClassification<'t> {
    row: &'t TaskRow,
    at: DateTime<Utc>,
}

impl<'t> TaskClassification<'t> {
    pub(super) fn of_row(row: &'t TaskRow) -> Option<Self> {
        Some(Self {
            row,
            at: row.classified_at?,
        })
    }
}

/// What the classifier said last. Type and complexity of the task may differ.
#[Object]
impl TaskClassification<'_> {
    /// The sort of work.
    async fn r#type(&self) -> Result<Option<TaskType>, QueryError> {
        self.row
            .classified_type
            .as_deref()
            .map(TaskType::from_stored)
            .transpose()
    }

    /// The size.
    async fn complexity(&self) -> Result<Option<Complexity>, QueryError> {
        self.row
            .classified_complexity
            .as_deref()
            .map(Complexity::from_stored)
            .transpose()
    }

    /// 0 to 1.
    async fn confidence(&self) -> Option<f64> {
        let permille = i32::try_from(self.row.confidence_permille?).ok()?;
        Some(f64::from(permille) / 1_000.0)
    }

    /// Which classifier.
    async fn classifier(&self) -> Option<&str> {
        self.row.classifier.as_deref()
    }

    /// Its version.
    async fn classifier_version(&self) -> Option<&str> {
        self.row.classifier_version.as_deref()
    }

    /// When.
    async fn at(&self) -> DateTime<Utc> {
        self.at
    }
}

/// Why something failed.
#[derive(SimpleObject)]
pub(crate) struct Failure {
    /// Stable, for programs.
    code: String,
    /// For people.
    message: String,
}

impl Failure {
    /// A failure, if there was one.
    pub(in crate::schema) fn of(code: Option<&str>, message: Option<&str>) -> Option<Self> {
        Some(Self {
            code: code?.to_owned(),
            message: message.unwrap_or_default().to_owned(),
        })
    }
}

/// Where the work landed.
#[derive(SimpleObject)]
pub(crate) struct PullRequest {
    /// `owner/name`.
    repository: String,
    /// Its number there.
    number: BigInt,
    /// A link for people.
    url: String,
}

impl PullRequest {
    pub(super) fn of_row(row: &TaskRow) -> Option<Self> {
        Some(Self {
            repository: row.pull_request_repository.clone()?,
            number: BigInt(row.pull_request_number?),
            url: row.pull_request_url.clone()?,
        })
    }
}

/// Sums over all executions of a task.
#[derive(SimpleObject)]
pub(crate) struct TaskResults {
    /// Files touched.
    files_changed: BigInt,
    /// Lines added.
    lines_added: BigInt,
    /// Lines removed.
    lines_removed: BigInt,
    /// Tokens spent.
    tokens_used: BigInt,
    /// Micro-US-dollars spent.
    cost_micro_usd: BigInt,
    /// Milliseconds.
    duration_ms: BigInt,
    /// The commit of the last completed execution.
    commit: Option<String>,
}

impl TaskResults {
    pub(super) fn of_row(row: &TaskRow) -> Self {
        Self {
            files_changed: BigInt(row.files_changed),
            lines_added: BigInt(row.lines_added),
            lines_removed: BigInt(row.lines_removed),
            tokens_used: BigInt(row.tokens_used),
            cost_micro_usd: BigInt(row.cost_micro_usd),
            duration_ms: BigInt(row.duration_ms),
            commit: row.last_commit.clone(),
        }
    }
}
