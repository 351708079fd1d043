//! Rules of a task.

mod amending;
mod classifying;
mod creating;
mod ending;
mod executing;
mod linking;
mod permission;
mod reporting;
mod retrying;

use domain::ExecutionId;
use domain::task::{
    Classification, Complexity, ExecutionResult, LogLevel, LogLine, PullRequest, Strategy, Task, TaskCommand,
    TaskEvent, TaskStatus, TaskType,
};
use uuid::Uuid;

use crate::harness::{noon, owner};

fn task() -> Task {
    Task::default()
}

fn execution(number: u128) -> ExecutionId {
    ExecutionId::new(Uuid::from_u128(number))
}

fn created() -> TaskEvent {
    created_as(None, None)
}

fn created_as(task_type: Option<TaskType>, complexity: Option<Complexity>) -> TaskEvent {
    TaskEvent::Created {
        owner_id: owner().id,
        title: "Mend the parser".to_owned(),
        description: "It loses the last line.".to_owned(),
        task_type,
        complexity,
        priority: 0,
        conversation_id: None,
    }
}

fn classification() -> Classification {
    Classification {
        task_type: TaskType::BugFix,
        complexity: Complexity::Simple,
        confidence_permille: 870,
        classifier: "heuristic".to_owned(),
        classifier_version: "3".to_owned(),
    }
}

fn classified() -> TaskEvent {
    TaskEvent::Classified(classification())
}

fn started(number: u128, attempt: u32) -> TaskEvent {
    TaskEvent::ExecutionStarted {
        execution_id: execution(number),
        strategy: Strategy::Iterative,
        model: None,
        attempt,
    }
}

fn completed(number: u128) -> TaskEvent {
    TaskEvent::ExecutionCompleted {
        execution_id: execution(number),
        result: ExecutionResult::default(),
    }
}

fn failed(number: u128) -> TaskEvent {
    TaskEvent::ExecutionFailed {
        execution_id: execution(number),
        code: "tests-failed".to_owned(),
        message: "2 of 40".to_owned(),
        tokens_used: 1,
        cost_micro_usd: 2,
        duration_ms: 3,
    }
}

fn cancelled() -> TaskEvent {
    TaskEvent::Cancelled { reason: None }
}

fn pull_request() -> PullRequest {
    PullRequest {
        repository: "acme/parser".to_owned(),
        number: 7,
        url: "https://github.com/acme/parser/pull/7".to_owned(),
    }
}

/// A history that ends in each status.
fn histories() -> Vec<(TaskStatus, Vec<TaskEvent>)> {
    let in_progress = [created(), classified(), started(1, 1)];
    let then = |event: TaskEvent| in_progress.iter().cloned().chain([event]).collect::<Vec<_>>();
    vec![
        (TaskStatus::Pending, vec![created()]),
        (TaskStatus::Classifying, vec![created(), classified()]),
        (TaskStatus::InProgress, in_progress.to_vec()),
        (TaskStatus::Completed, then(completed(1))),
        (TaskStatus::Failed, then(failed(1))),
        (TaskStatus::Cancelled, then(cancelled())),
        (TaskStatus::Deleted, vec![created(), TaskEvent::Deleted]),
    ]
}

fn history_to(status: TaskStatus) -> Vec<TaskEvent> {
    histories()
        .into_iter()
        .find(|(ends_in, _)| *ends_in == status)
        .unwrap()
        .1
}

fn start(number: u128, strategy: Strategy) -> TaskCommand {
    TaskCommand::StartExecution {
        execution_id: execution(number),
        strategy,
        model: None,
    }
}

fn retry(number: u128, strategy: Option<Strategy>) -> TaskCommand {
    TaskCommand::Retry {
        execution_id: execution(number),
        strategy,
        model: None,
    }
}

fn report(number: u128, percent: Option<u8>, log: Vec<LogLine>) -> TaskCommand {
    TaskCommand::ReportProgress {
        execution_id: execution(number),
        percent,
        log,
    }
}

fn line(message: &str) -> LogLine {
    LogLine {
        at: noon(),
        level: LogLevel::Info,
        message: message.to_owned(),
    }
}

fn complete(number: u128, result: ExecutionResult) -> TaskCommand {
    TaskCommand::CompleteExecution {
        execution_id: execution(number),
        result,
    }
}

fn fail(number: u128) -> TaskCommand {
    TaskCommand::FailExecution {
        execution_id: execution(number),
        code: "tests-failed".to_owned(),
        message: "2 of 40".to_owned(),
        tokens_used: 1,
        cost_micro_usd: 2,
        duration_ms: 3,
    }
}

fn cancel() -> TaskCommand {
    TaskCommand::Cancel { reason: None }
}

/// Changes nothing; the specs fill in what they are about.
fn amendment() -> TaskCommand {
    amend_title(None)
}

fn amend_title(title: Option<&str>) -> TaskCommand {
    TaskCommand::Amend {
        title: title.map(str::to_owned),
        description: None,
        task_type: None,
        complexity: None,
        priority: None,
    }
}

fn amend_kind(task_type: Option<TaskType>, complexity: Option<Complexity>) -> TaskCommand {
    TaskCommand::Amend {
        title: None,
        description: None,
        task_type,
        complexity,
        priority: None,
    }
}

fn fail_classification() -> TaskCommand {
    TaskCommand::FailClassification {
        code: "no-answer".to_owned(),
        message: "timed out".to_owned(),
    }
}
