//! Starting an execution, the first time and again.

use super::{ATTEMPTS_MAX, MODEL_MAX, Strategy, Task, TaskEvent, TaskRefusal, TaskStatus, check_text};
use crate::id::ExecutionId;

impl Task {
    pub(super) fn start_execution(
        &self,
        execution_id: ExecutionId,
        strategy: Strategy,
        model: Option<&str>,
        imported: bool,
    ) -> Result<Vec<TaskEvent>, TaskRefusal> {
        match self.status {
            TaskStatus::Pending | TaskStatus::Classifying => {}
            TaskStatus::InProgress => return Err(TaskRefusal::AlreadyInProgress),
            TaskStatus::Completed | TaskStatus::Failed | TaskStatus::Cancelled => {
                return Err(TaskRefusal::AlreadyEnded);
            }
            TaskStatus::Deleted => return Err(TaskRefusal::Deleted),
        }
        Ok(vec![self.execution_started(execution_id, strategy, model, imported)?])
    }

    /// Takes a failed or cancelled task back to work, by default in the way of the last time.
    pub(super) fn retry(
        &self,
        execution_id: ExecutionId,
        strategy: Option<Strategy>,
        model: Option<&str>,
        imported: bool,
    ) -> Result<Vec<TaskEvent>, TaskRefusal> {
        if !matches!(self.status, TaskStatus::Failed | TaskStatus::Cancelled) {
            return Err(TaskRefusal::NotRetryable);
        }
        // What happened elsewhere cannot be done again in the same way here.
        let last = self
            .last_strategy
            .filter(|strategy| *strategy != Strategy::Imported || imported);
        let strategy = strategy.or(last).ok_or(TaskRefusal::StrategyMissing)?;
        let started = self.execution_started(execution_id, strategy, model, imported)?;
        Ok(vec![
            TaskEvent::Retried {
                attempt: self.next_attempt(),
            },
            started,
        ])
    }

    fn execution_started(
        &self,
        execution_id: ExecutionId,
        strategy: Strategy,
        model: Option<&str>,
        imported: bool,
    ) -> Result<TaskEvent, TaskRefusal> {
        if !self.is_classified() {
            return Err(TaskRefusal::NotClassified);
        }
        let attempt = self.next_attempt();
        if attempt > ATTEMPTS_MAX {
            return Err(TaskRefusal::TooManyAttempts);
        }
        if strategy == Strategy::Imported && !imported {
            return Err(TaskRefusal::StrategyNotAllowed);
        }
        if let Some(model) = model {
            check_text("model", model, MODEL_MAX)?;
        }
        if self.executions.contains(&execution_id) {
            return Err(TaskRefusal::ExecutionIdUsed);
        }
        Ok(TaskEvent::ExecutionStarted {
            execution_id,
            strategy,
            model: model.map(str::to_owned),
            attempt,
        })
    }
}
