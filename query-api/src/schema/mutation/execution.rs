//! Commands about the executions of tasks.

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::envelope::{CommandInput, Envelope, Subject, commands_of};
use super::giving::give;
use super::result::CommandResult;
use crate::error::QueryError;
use crate::scalars::BigInt;
use crate::schema::stored_enums::{LogLevel, Strategy};

/// Commands about executions.
#[derive(Default)]
pub(crate) struct ExecutionMutations;

/// Commands about executions.
#[Object]
impl ExecutionMutations {
    /// Begins the first execution of a classified task; at most 10 starts an hour for each owner. Its owner, an admin or a service.
    async fn start_execution(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which task, and how to go about it.")] input: StartExecutionInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Tries a failed or cancelled task again, with a new execution; at most 10 starts an hour for each owner. Its owner or an admin.
    async fn retry_task(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which task, and how to go about it.")] input: RetryTaskInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Tells how far the running execution is; a percentage, lines of its log, or both. Role service only.
    async fn report_progress(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which execution, and how far it is.")] input: ReportProgressInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Ends the running execution as a success. Role service only.
    async fn complete_execution(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which execution, and what it did.")] input: CompleteExecutionInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Ends the running execution as a failure. Role service only.
    async fn fail_execution(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which execution, and what went wrong.")] input: FailExecutionInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }
}

/// A task whose first execution is to be started.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartExecutionInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// How to go about it; `IMPORTED` is for imports only.
    strategy: Strategy,
    /// The model to use, when known; at most 100 characters.
    model: Option<String>,
    /// Role service only: the id of the execution, a UUID. Derived from the command when left out.
    execution_id: Option<ID>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task to be tried again.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RetryTaskInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// How to go about it; as the last time when left out. `IMPORTED` is for imports only.
    strategy: Option<Strategy>,
    /// The model to use, when known; at most 100 characters.
    model: Option<String>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// The running execution of a task, and how far it is.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportProgressInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// The running execution, a UUID.
    execution_id: ID,
    /// 0 to 100.
    percent: Option<i64>,
    /// At most 100 new lines of its log.
    log: Option<Vec<ReportedLineInput>>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// One line of an execution's log.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportedLineInput {
    /// When the worker wrote it, in the years 1 to 9999.
    at: DateTime<Utc>,
    /// How grave it is.
    level: LogLevel,
    /// At most 2,000 characters.
    message: String,
}

/// The running execution of a task, and what it did.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompleteExecutionInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// The running execution, a UUID.
    execution_id: ID,
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
    /// How long it took, in milliseconds.
    duration_ms: BigInt,
    /// The commit that holds the work; at most 100 characters.
    commit: Option<String>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// The running execution of a task, and why it failed.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailExecutionInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// The running execution, a UUID.
    execution_id: ID,
    /// Stable, for programs; 1 to 100 characters.
    code: String,
    /// For people; 1 to 5,000 characters.
    message: String,
    /// Tokens spent.
    tokens_used: BigInt,
    /// Micro-US-dollars spent.
    cost_micro_usd: BigInt,
    /// How long it took, in milliseconds.
    duration_ms: BigInt,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

commands_of! {
    Task {
        StartExecutionInput = "task.start-execution",
        RetryTaskInput = "task.retry",
        ReportProgressInput = "task.report-progress",
        CompleteExecutionInput = "task.complete-execution",
        FailExecutionInput = "task.fail-execution",
    }
}
