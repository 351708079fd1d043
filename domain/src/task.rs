//! A task and its executions: the rule book.
//!
//! `pending -> classifying -> in-progress -> completed | failed | cancelled`. Pending and classifying may be cancelled;
//! classifying may fail; retry takes failed or cancelled back to in-progress with a new execution. A task of which a
//! person named type and complexity may be started without being classified.

mod classification;
mod classifying;
mod command;
mod editing;
mod event;
mod executing;
mod execution;
mod permission;
mod pull_request;
mod refusal;
mod reporting;
mod state;
mod status;

use crate::aggregate::{Aggregate, Context};
use crate::text;

pub use classification::{Classification, Complexity, TaskType};
pub use command::TaskCommand;
pub use event::TaskEvent;
pub use execution::{ExecutionResult, LogLevel, LogLine, Strategy};
pub use pull_request::PullRequest;
pub use refusal::TaskRefusal;
pub use state::Task;
pub use status::TaskStatus;

/// Longest title in characters.
pub const TITLE_MAX: u64 = 200;
/// Longest description in characters.
pub const DESCRIPTION_MAX: u64 = 10_000;
/// The most urgent priority.
pub const PRIORITY_MAX: u8 = 9;
/// Longest name of a classifier in characters.
pub const CLASSIFIER_MAX: u64 = 100;
/// Longest version of a classifier in characters.
pub const CLASSIFIER_VERSION_MAX: u64 = 50;
/// Full confidence of a classifier, in thousandths.
pub const CONFIDENCE_PERMILLE_MAX: u16 = 1_000;
/// Longest name of a model in characters.
pub const MODEL_MAX: u64 = 100;
/// Longest code of a failure in characters.
pub const FAILURE_CODE_MAX: u64 = 100;
/// Longest message of a failure in characters.
pub const FAILURE_MESSAGE_MAX: u64 = 5_000;
/// Longest reason of a cancellation in characters.
pub const REASON_MAX: u64 = 1_000;
/// Longest id of a source commit in characters.
pub const COMMIT_MAX: u64 = 100;
/// Most log lines of one report.
pub const LOG_LINES_MAX: u64 = 100;
/// Longest log line in characters.
pub const LOG_LINE_MAX: u64 = 2_000;
/// Longest link to a pull request in characters.
pub const URL_MAX: u64 = 2_000;
/// Longest `owner/name` of a repository in characters.
pub const REPOSITORY_MAX: u64 = 200;
/// Most executions of one task.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// How many executions a user may start in [`EXECUTION_STARTS_WINDOW_MS`]; reserved on the stream `quota-<user>` first.
pub const EXECUTION_STARTS_PER_HOUR: u32 = 10;
/// One hour: the window of [`EXECUTION_STARTS_PER_HOUR`].
pub const EXECUTION_STARTS_WINDOW_MS: u64 = 60 * 60 * 1_000;

impl Aggregate for Task {
    const CATEGORY: &'static str = "task";
    const FOLD_VERSION: u32 = 1;
    type Command = TaskCommand;
    type Event = TaskEvent;
    type Refusal = TaskRefusal;

    fn decide(&self, command: &TaskCommand, context: &Context) -> Result<Vec<TaskEvent>, TaskRefusal> {
        self.must_be_open_to(command, context.actor)?;
        match command {
            TaskCommand::Create {
                owner_id,
                title,
                description,
                task_type,
                complexity,
                priority,
                conversation_id,
            } => {
                self.must_be_creatable(title, description, *priority)?;
                Ok(vec![TaskEvent::Created {
                    owner_id: *owner_id,
                    title: title.clone(),
                    description: description.clone(),
                    task_type: *task_type,
                    complexity: *complexity,
                    priority: *priority,
                    conversation_id: *conversation_id,
                }])
            }
            TaskCommand::Amend {
                title,
                description,
                task_type,
                complexity,
                priority,
            } => self.amend(
                title.as_deref(),
                description.as_deref(),
                *task_type,
                *complexity,
                *priority,
            ),
            TaskCommand::RequestClassification => self.request_classification(),
            TaskCommand::Classify(classification) => self.classify(classification),
            TaskCommand::FailClassification { code, message } => self.fail_classification(code, message),
            TaskCommand::StartExecution {
                execution_id,
                strategy,
                model,
            } => self.start_execution(*execution_id, *strategy, model.as_deref(), context.imported),
            TaskCommand::ReportProgress {
                execution_id,
                percent,
                log,
            } => self.report_progress(*execution_id, *percent, log),
            TaskCommand::CompleteExecution { execution_id, result } => self.complete_execution(*execution_id, result),
            TaskCommand::FailExecution {
                execution_id,
                code,
                message,
                tokens_used,
                cost_micro_usd,
                duration_ms,
            } => self.fail_execution(
                *execution_id,
                code,
                message,
                [*tokens_used, *cost_micro_usd, *duration_ms],
            ),
            TaskCommand::LinkPullRequest(pull_request) => self.link_pull_request(pull_request),
            TaskCommand::Cancel { reason } => self.cancel(reason.as_deref()),
            TaskCommand::Retry {
                execution_id,
                strategy,
                model,
            } => self.retry(*execution_id, *strategy, model.as_deref(), context.imported),
            TaskCommand::Delete => self.delete(),
        }
    }

    fn evolve(&mut self, event: &TaskEvent) {
        self.apply(event);
    }

    fn weight(&self) -> usize {
        self.heap_bytes()
    }
}

fn check_text(field: &'static str, value: &str, limit: u64) -> Result<(), TaskRefusal> {
    text::check(value, limit).map_err(|problem| TaskRefusal::Text { field, problem })
}
