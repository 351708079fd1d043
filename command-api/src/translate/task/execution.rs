//! Commands about a task's executions.

use domain::ExecutionId;
use domain::task::{ExecutionResult, LogLine, TaskCommand};
use platform::problem::Problem;
use uuid::Uuid;

use super::saturated;
use crate::dto::InvalidBody;
use crate::dto::task::{CompleteExecution, FailExecution, ReportProgress, RetryTask, StartExecution};
use crate::order::Part;
use crate::problem;
use crate::translate::Sender;

pub(super) fn start(body: StartExecution, sender: &Sender) -> Result<(TaskCommand, Option<Part>), Problem> {
    let id = sender.given_or_derived(body.execution_id, "executionId", "execution")?;
    let command = TaskCommand::StartExecution {
        execution_id: ExecutionId::new(id),
        strategy: body.strategy.into(),
        model: body.model,
    };
    Ok((command, Some(Part::Execution(id))))
}

pub(super) fn retry(body: RetryTask, sender: &Sender) -> (TaskCommand, Option<Part>) {
    let id = domain::id::created_by(sender.scoped, "execution");
    let command = TaskCommand::Retry {
        execution_id: ExecutionId::new(id),
        strategy: body.strategy.map(Into::into),
        model: body.model,
    };
    (command, Some(Part::Execution(id)))
}

pub(super) fn report(body: ReportProgress) -> Result<TaskCommand, Problem> {
    let line = |line: crate::dto::task::ReportedLine| LogLine {
        at: line.at,
        level: line.level.into(),
        message: line.message,
    };
    Ok(TaskCommand::ReportProgress {
        execution_id: named(body.execution_id)?,
        percent: body.percent.map(saturated),
        log: body.log.into_iter().map(line).collect(),
    })
}

pub(super) fn complete(body: CompleteExecution) -> Result<TaskCommand, Problem> {
    Ok(TaskCommand::CompleteExecution {
        execution_id: named(body.execution_id)?,
        result: ExecutionResult {
            files_changed: body.files_changed,
            lines_added: body.lines_added,
            lines_removed: body.lines_removed,
            tokens_used: body.tokens_used,
            cost_micro_usd: body.cost_micro_usd,
            duration_ms: body.duration_ms,
            commit: body.commit,
        },
    })
}

pub(super) fn fail(body: FailExecution) -> Result<TaskCommand, Problem> {
    Ok(TaskCommand::FailExecution {
        execution_id: named(body.execution_id)?,
        code: body.code,
        message: body.message,
        tokens_used: body.tokens_used,
        cost_micro_usd: body.cost_micro_usd,
        duration_ms: body.duration_ms,
    })
}

/// Only a line of a bulk request can lack it; on a route the path has put it in.
fn named(execution_id: Option<Uuid>) -> Result<ExecutionId, Problem> {
    execution_id.map(ExecutionId::new).ok_or_else(|| {
        problem::invalid_body(InvalidBody {
            field: "executionId".to_owned(),
            reason: "missing field `executionId`".to_owned(),
        })
    })
}
