//! Where a task stands.

use serde::{Deserialize, Serialize};

use crate::name::names;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum TaskStatus {
    /// Created.
    #[default]
    Pending,
    /// Its classification was asked for or given; not started yet.
    Classifying,
    /// An execution is running.
    InProgress,
    /// The last execution succeeded.
    Completed,
    /// The last execution, or the classification, failed.
    Failed,
    /// A person stopped it.
    Cancelled,
    /// Removed by a person; every later command is refused.
    Deleted,
}

names!(
    TaskStatus,
    "task status",
    [
        Pending = "pending",
        Classifying = "classifying",
        InProgress = "in-progress",
        Completed = "completed",
        Failed = "failed",
        Cancelled = "cancelled",
        Deleted = "deleted",
    ]
);
