//! Kinds of subjects and where they can stand.

use std::str::FromStr;

/// What a stream is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectKind {
    /// A `conversation-` stream.
    Conversation,
    /// A `task-` stream.
    Task,
}

/// Where a subject stands: the states of conversations and of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubjectStatus {
    /// An open conversation.
    Active,
    /// A closed conversation.
    Archived,
    /// A task that waits.
    Pending,
    /// A task that is or was classified.
    Classifying,
    /// A task with a running execution.
    InProgress,
    /// A task whose last execution succeeded.
    Completed,
    /// A task whose last execution or classification failed.
    Failed,
    /// A task that a person stopped.
    Cancelled,
    /// Removed by a person.
    Deleted,
}

/// A stored name that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a kind or status of a subject")]
pub struct UnknownSubjectName;

impl SubjectKind {
    /// The stable name, which is the category of its streams.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Task => "task",
        }
    }

    pub(super) const fn first_status(self) -> SubjectStatus {
        match self {
            Self::Conversation => SubjectStatus::Active,
            Self::Task => SubjectStatus::Pending,
        }
    }
}

impl FromStr for SubjectKind {
    type Err = UnknownSubjectName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Conversation, Self::Task]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownSubjectName)
    }
}

impl SubjectStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Active,
        Self::Archived,
        Self::Pending,
        Self::Classifying,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Deleted,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Pending => "pending",
            Self::Classifying => "classifying",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Deleted => "deleted",
        }
    }
}

impl FromStr for SubjectStatus {
    type Err = UnknownSubjectName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownSubjectName)
    }
}
