//! What happens to a task.

use crate::id::{ConversationId, ExecutionId, UserId};
use crate::task::{Classification, Complexity, ExecutionResult, LogLine, PullRequest, Strategy, TaskType};

/// A fact about one task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// `task.created.v1`
    Created {
        /// Who owns it.
        owner_id: UserId,
        /// 1 to 200 characters.
        title: String,
        /// 1 to 10,000 characters.
        description: String,
        /// Given by the client, or left to the classifier.
        task_type: Option<TaskType>,
        /// Given by the client, or left to the classifier.
        complexity: Option<Complexity>,
        /// 0 (default) to 9 (most urgent).
        priority: u8,
        /// The conversation it came from.
        conversation_id: Option<ConversationId>,
    },
    /// `task.amended.v1`: only the fields that changed.
    Amended {
        /// The new title.
        title: Option<String>,
        /// The new description.
        description: Option<String>,
        /// The type, overridden by a person.
        task_type: Option<TaskType>,
        /// The complexity, overridden by a person.
        complexity: Option<Complexity>,
        /// The new priority.
        priority: Option<u8>,
    },
    /// `task.classification-requested.v1`
    ClassificationRequested,
    /// `task.classified.v1`
    Classified(Classification),
    /// `task.classification-failed.v1`
    ClassificationFailed {
        /// Stable, for programs.
        code: String,
        /// For people.
        message: String,
    },
    /// `task.execution-started.v1`
    ExecutionStarted {
        /// The new running execution.
        execution_id: ExecutionId,
        /// How it goes about the task.
        strategy: Strategy,
        /// The model it uses, when known.
        model: Option<String>,
        /// 1 for the first.
        attempt: u32,
    },
    /// `task.execution-progressed.v1`
    ExecutionProgressed {
        /// The running execution.
        execution_id: ExecutionId,
        /// 0 to 100, when the worker can tell.
        percent: Option<u8>,
        /// New lines of its log.
        log: Vec<LogLine>,
    },
    /// `task.execution-completed.v1`
    ExecutionCompleted {
        /// The execution that was running.
        execution_id: ExecutionId,
        /// What it did.
        result: ExecutionResult,
    },
    /// `task.execution-failed.v1`
    ExecutionFailed {
        /// The execution that was running.
        execution_id: ExecutionId,
        /// Stable, for programs.
        code: String,
        /// For people.
        message: String,
        /// Tokens spent.
        tokens_used: u64,
        /// Micro-US-dollars spent.
        cost_micro_usd: u64,
        /// Milliseconds.
        duration_ms: u64,
    },
    /// `task.pull-request-linked.v1`
    PullRequestLinked(PullRequest),
    /// `task.cancelled.v1`
    Cancelled {
        /// Why, when the person said so.
        reason: Option<String>,
    },
    /// `task.retried.v1`; an `ExecutionStarted` follows in the same commit.
    Retried {
        /// The number of the attempt that follows.
        attempt: u32,
    },
    /// `task.deleted.v1`
    Deleted,
}
