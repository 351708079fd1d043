//! Why a task refuses.

use super::{ATTEMPTS_MAX, LOG_LINES_MAX, PRIORITY_MAX};
use crate::aggregate::{Refusal, RefusalKind};
use crate::text::{NUMBER_MAX, TextProblem};

/// A reason to refuse a command to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TaskRefusal {
    /// It was never created, or it is not for this actor to know about.
    #[error("there is no such task")]
    NotFound,
    /// A task is created once.
    #[error("the task exists already")]
    AlreadyExists,
    /// Nothing can be done to it any more.
    #[error("the task was deleted")]
    Deleted,
    /// The actor's role does not give this command.
    #[error("this role may not do that to a task")]
    NotAllowed,
    /// A user creates tasks only for itself.
    #[error("a task may not be created for another user")]
    OwnerNotAllowed,
    /// Cancel it, or wait for the end.
    #[error("the task cannot be amended while an execution is running")]
    NotEditableWhileInProgress,
    /// What was done cannot be asked for differently.
    #[error("the task cannot be amended after its completion")]
    NotEditableWhenCompleted,
    /// Its classification was asked for, or is of no use any more.
    #[error("only a pending task can be sent to the classifier")]
    NotPending,
    /// A classification comes too late.
    #[error("only a pending or classifying task can be classified")]
    NotClassifiable,
    /// A failure of the classifier came too late, or unasked.
    #[error("no classification is awaited")]
    NotClassifying,
    /// Classify it, or amend it with both.
    #[error("the type or the complexity of the task is not known")]
    NotClassified,
    /// One execution at a time.
    #[error("an execution is running already")]
    AlreadyInProgress,
    /// Only a retry starts it again.
    #[error("the task has ended; retry starts it again")]
    AlreadyEnded,
    /// A report of a worker that was overtaken.
    #[error("that execution is not the running one")]
    ExecutionNotCurrent,
    /// It is still going on, or was successful.
    #[error("only a failed or cancelled task can be retried")]
    NotRetryable,
    /// There is nothing to stop.
    #[error("the task has ended already")]
    NotCancellable,
    /// Cancel it first.
    #[error("the task cannot be deleted while an execution is running")]
    NotDeletableWhileInProgress,
    /// It was tried as often as it can be.
    #[error("a task may have at most {ATTEMPTS_MAX} executions")]
    TooManyAttempts,
    /// An execution's id is used once.
    #[error("the task has an execution with that id already")]
    ExecutionIdUsed,
    /// Nothing that happens here is imported.
    #[error("the strategy imported is for imports only")]
    StrategyNotAllowed,
    /// A retry of what was never executed here must say how.
    #[error("there is no earlier strategy to repeat")]
    StrategyMissing,
    /// A report that says nothing.
    #[error("a report needs a percentage or log lines")]
    ProgressEmpty,
    /// More than everything.
    #[error("a percentage is 0 to 100")]
    PercentOutOfRange,
    /// Send them in several reports.
    #[error("a report may have at most {LOG_LINES_MAX} log lines")]
    TooManyLogLines,
    /// A time that no table can hold.
    #[error("a time must lie in the years 1 to 9999")]
    TimeOutOfRange,
    /// More urgent than the most urgent.
    #[error("a priority is 0 to {PRIORITY_MAX}")]
    PriorityOutOfRange,
    /// Surer than sure.
    #[error("a confidence is 0 to 1")]
    ConfidenceOutOfRange,
    /// Not the name of a repository.
    #[error("a repository is named owner/name")]
    RepositoryMalformed,
    /// Pull requests are counted from 1.
    #[error("the number of a pull request is at least 1")]
    PullRequestNumberZero,
    /// Not a link that a person may follow.
    #[error("the url must be an http or https address")]
    UrlMalformed,
    /// A number that no table can hold.
    #[error("{field} may be at most {NUMBER_MAX}")]
    NumberTooLarge {
        /// The field at fault.
        field: &'static str,
    },
    /// A text breaks the rule of its field.
    #[error("{field} {problem}")]
    Text {
        /// The field at fault.
        field: &'static str,
        /// What is wrong with it.
        problem: TextProblem,
    },
}

impl Refusal for TaskRefusal {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "task.not-found",
            Self::AlreadyExists => "task.already-exists",
            Self::Deleted => "task.deleted",
            Self::NotAllowed => "task.not-allowed",
            Self::OwnerNotAllowed => "task.owner-not-allowed",
            Self::NotEditableWhileInProgress => "task.not-editable-while-in-progress",
            Self::NotEditableWhenCompleted => "task.not-editable-when-completed",
            Self::NotPending => "task.not-pending",
            Self::NotClassifiable => "task.not-classifiable",
            Self::NotClassifying => "task.not-classifying",
            Self::NotClassified => "task.not-classified",
            Self::AlreadyInProgress => "task.already-in-progress",
            Self::AlreadyEnded => "task.already-ended",
            Self::ExecutionNotCurrent => "task.execution-not-current",
            Self::NotRetryable => "task.not-retryable",
            Self::NotCancellable => "task.not-cancellable",
            Self::NotDeletableWhileInProgress => "task.not-deletable-while-in-progress",
            Self::TooManyAttempts => "task.too-many-attempts",
            Self::ExecutionIdUsed => "task.execution-id-used",
            Self::StrategyNotAllowed => "task.strategy-not-allowed",
            Self::StrategyMissing => "task.strategy-missing",
            Self::ProgressEmpty => "task.progress-empty",
            Self::PercentOutOfRange => "task.percent-out-of-range",
            Self::TooManyLogLines => "task.too-many-log-lines",
            Self::TimeOutOfRange => "task.time-out-of-range",
            Self::PriorityOutOfRange => "task.priority-out-of-range",
            Self::ConfidenceOutOfRange => "task.confidence-out-of-range",
            Self::RepositoryMalformed => "task.repository-malformed",
            Self::PullRequestNumberZero => "task.pull-request-number-zero",
            Self::UrlMalformed => "task.url-malformed",
            Self::NumberTooLarge { .. } => "task.number-too-large",
            Self::Text {
                problem: TextProblem::Blank,
                ..
            } => "task.text-blank",
            Self::Text {
                problem: TextProblem::TooLong { .. },
                ..
            } => "task.text-too-long",
            Self::Text {
                problem: TextProblem::HasNul,
                ..
            } => "task.text-has-nul",
        }
    }

    fn kind(&self) -> RefusalKind {
        match self {
            Self::NotFound => RefusalKind::NotFound,
            Self::AlreadyExists
            | Self::NotEditableWhileInProgress
            | Self::NotEditableWhenCompleted
            | Self::NotPending
            | Self::NotClassifiable
            | Self::NotClassifying
            | Self::NotClassified
            | Self::AlreadyInProgress
            | Self::AlreadyEnded
            | Self::ExecutionNotCurrent
            | Self::NotRetryable
            | Self::NotCancellable
            | Self::NotDeletableWhileInProgress
            | Self::TooManyAttempts => RefusalKind::State,
            Self::Deleted => RefusalKind::Deleted,
            Self::NotAllowed | Self::OwnerNotAllowed => RefusalKind::Forbidden,
            Self::ExecutionIdUsed
            | Self::StrategyNotAllowed
            | Self::StrategyMissing
            | Self::ProgressEmpty
            | Self::PercentOutOfRange
            | Self::TooManyLogLines
            | Self::TimeOutOfRange
            | Self::PriorityOutOfRange
            | Self::ConfidenceOutOfRange
            | Self::RepositoryMalformed
            | Self::PullRequestNumberZero
            | Self::UrlMalformed
            | Self::NumberTooLarge { .. }
            | Self::Text { .. } => RefusalKind::Invalid,
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::OwnerNotAllowed => Some("ownerId"),
            Self::ExecutionIdUsed => Some("executionId"),
            Self::StrategyNotAllowed | Self::StrategyMissing => Some("strategy"),
            Self::ProgressEmpty | Self::TooManyLogLines => Some("log"),
            Self::PercentOutOfRange => Some("percent"),
            Self::TimeOutOfRange => Some("log.at"),
            Self::PriorityOutOfRange => Some("priority"),
            Self::ConfidenceOutOfRange => Some("confidence"),
            Self::RepositoryMalformed => Some("repository"),
            Self::PullRequestNumberZero => Some("number"),
            Self::UrlMalformed => Some("url"),
            Self::NumberTooLarge { field } | Self::Text { field, .. } => Some(field),
            _ => None,
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts => Some(u64::from(ATTEMPTS_MAX)),
            Self::PercentOutOfRange => Some(100),
            Self::TooManyLogLines => Some(LOG_LINES_MAX),
            Self::PriorityOutOfRange => Some(u64::from(PRIORITY_MAX)),
            Self::ConfidenceOutOfRange => Some(1),
            Self::NumberTooLarge { .. } => Some(NUMBER_MAX),
            Self::Text { problem, .. } => problem.limit(),
            _ => None,
        }
    }
}
