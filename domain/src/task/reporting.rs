//! What workers report about the running execution, and where its work landed.
//!
//! A report about any other execution is refused, so a late worker cannot overwrite a newer attempt.

use chrono::Datelike;

use super::{
    COMMIT_MAX, ExecutionResult, FAILURE_CODE_MAX, FAILURE_MESSAGE_MAX, LOG_LINE_MAX, LOG_LINES_MAX, LogLine,
    PullRequest, Task, TaskEvent, TaskRefusal, check_text,
};
use crate::id::ExecutionId;
use crate::text::{self, NUMBER_MAX};

const PERCENT_MAX: u8 = 100;

impl Task {
    pub(super) fn report_progress(
        &self,
        execution_id: ExecutionId,
        percent: Option<u8>,
        log: &[LogLine],
    ) -> Result<Vec<TaskEvent>, TaskRefusal> {
        self.must_be_running(execution_id)?;
        if percent.is_none() && log.is_empty() {
            return Err(TaskRefusal::ProgressEmpty);
        }
        if percent.is_some_and(|percent| percent > PERCENT_MAX) {
            return Err(TaskRefusal::PercentOutOfRange);
        }
        if log.len() as u64 > LOG_LINES_MAX {
            return Err(TaskRefusal::TooManyLogLines);
        }
        for line in log {
            check_line(line)?;
        }
        Ok(vec![TaskEvent::ExecutionProgressed {
            execution_id,
            percent,
            log: log.to_vec(),
        }])
    }

    pub(super) fn complete_execution(
        &self,
        execution_id: ExecutionId,
        result: &ExecutionResult,
    ) -> Result<Vec<TaskEvent>, TaskRefusal> {
        self.must_be_running(execution_id)?;
        check_number("filesChanged", result.files_changed)?;
        check_number("linesAdded", result.lines_added)?;
        check_number("linesRemoved", result.lines_removed)?;
        check_spending([result.tokens_used, result.cost_micro_usd, result.duration_ms])?;
        if let Some(commit) = &result.commit {
            check_text("commit", commit, COMMIT_MAX)?;
        }
        Ok(vec![TaskEvent::ExecutionCompleted {
            execution_id,
            result: result.clone(),
        }])
    }

    /// `spending` is tokens, micro-US-dollars, milliseconds.
    pub(super) fn fail_execution(
        &self,
        execution_id: ExecutionId,
        code: &str,
        message: &str,
        spending: [u64; 3],
    ) -> Result<Vec<TaskEvent>, TaskRefusal> {
        self.must_be_running(execution_id)?;
        check_text("code", code, FAILURE_CODE_MAX)?;
        check_text("message", message, FAILURE_MESSAGE_MAX)?;
        check_spending(spending)?;
        let [tokens_used, cost_micro_usd, duration_ms] = spending;
        let (code, message) = (code.to_owned(), message.to_owned());
        Ok(vec![TaskEvent::ExecutionFailed {
            execution_id,
            code,
            message,
            tokens_used,
            cost_micro_usd,
            duration_ms,
        }])
    }

    /// Work may land before, during and after an execution, so the status does not matter.
    pub(super) fn link_pull_request(&self, pull_request: &PullRequest) -> Result<Vec<TaskEvent>, TaskRefusal> {
        pull_request.check()?;
        if self.pull_request.as_ref() == Some(pull_request) {
            return Ok(Vec::new());
        }
        Ok(vec![TaskEvent::PullRequestLinked(pull_request.clone())])
    }

    fn must_be_running(&self, execution_id: ExecutionId) -> Result<(), TaskRefusal> {
        if self.running_execution() == Some(execution_id) {
            Ok(())
        } else {
            Err(TaskRefusal::ExecutionNotCurrent)
        }
    }
}

/// A line may be empty, as lines of programs are; its time must be one that tables and JSON can hold.
fn check_line(line: &LogLine) -> Result<(), TaskRefusal> {
    text::check_blank_allowed(&line.message, LOG_LINE_MAX).map_err(|problem| TaskRefusal::Text {
        field: "log.message",
        problem,
    })?;
    if (1..=9_999).contains(&line.at.year()) {
        Ok(())
    } else {
        Err(TaskRefusal::TimeOutOfRange)
    }
}

fn check_spending([tokens_used, cost_micro_usd, duration_ms]: [u64; 3]) -> Result<(), TaskRefusal> {
    check_number("tokensUsed", tokens_used)?;
    check_number("costMicroUsd", cost_micro_usd)?;
    check_number("durationMs", duration_ms)
}

fn check_number(field: &'static str, number: u64) -> Result<(), TaskRefusal> {
    if number > NUMBER_MAX {
        Err(TaskRefusal::NumberTooLarge { field })
    } else {
        Ok(())
    }
}
