//! What can be asked of a task.

use serde::{Deserialize, Serialize};

use crate::id::{ConversationId, ExecutionId, UserId};
use crate::task::{Classification, Complexity, ExecutionResult, LogLine, PullRequest, Strategy, TaskType};

/// An order to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TaskCommand {
    /// Brings it into being.
    Create {
        /// Who will own it.
        owner_id: UserId,
        /// 1 to 200 characters.
        title: String,
        /// 1 to 10,000 characters.
        description: String,
        /// Left out: the classifier finds it.
        task_type: Option<TaskType>,
        /// Left out: the classifier finds it.
        complexity: Option<Complexity>,
        /// 0 (default) to 9 (most urgent).
        priority: u8,
        /// The conversation it came from.
        conversation_id: Option<ConversationId>,
    },
    /// Changes what is given and keeps the rest.
    Amend {
        /// The new title.
        title: Option<String>,
        /// The new description.
        description: Option<String>,
        /// Overrides the classifier.
        task_type: Option<TaskType>,
        /// Overrides the classifier.
        complexity: Option<Complexity>,
        /// The new priority.
        priority: Option<u8>,
    },
    /// Asks the classifier.
    RequestClassification,
    /// The classifier's answer.
    Classify(Classification),
    /// The classifier could not answer.
    FailClassification {
        /// Stable, for programs.
        code: String,
        /// For people.
        message: String,
    },
    /// Begins the first execution.
    StartExecution {
        /// The new execution.
        execution_id: ExecutionId,
        /// How to go about it.
        strategy: Strategy,
        /// The model to use, when known.
        model: Option<String>,
    },
    /// The worker tells how far it is.
    ReportProgress {
        /// Its execution.
        execution_id: ExecutionId,
        /// 0 to 100.
        percent: Option<u8>,
        /// At most 100 new lines of its log.
        log: Vec<LogLine>,
    },
    /// The worker is done.
    CompleteExecution {
        /// Its execution.
        execution_id: ExecutionId,
        /// What it did.
        result: ExecutionResult,
    },
    /// The worker gives up.
    FailExecution {
        /// Its execution.
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
    /// The work landed.
    LinkPullRequest(PullRequest),
    /// Stops it.
    Cancel {
        /// Why, in at most 1,000 characters.
        reason: Option<String>,
    },
    /// Tries again after a failure or a cancellation.
    Retry {
        /// The new execution.
        execution_id: ExecutionId,
        /// Left out: as the last time.
        strategy: Option<Strategy>,
        /// The model to use, when known.
        model: Option<String>,
    },
    /// Removes it for good.
    Delete,
}
