//! How a commit counts as a classified task: its type from the conventional commit, its complexity from its size.

use domain::task::{Complexity, TaskType};

/// The name under which history classifies.
pub(crate) const CLASSIFIER: &str = "git-history";
/// Raised when the rules below change.
pub(crate) const CLASSIFIER_VERSION: &str = "1";

/// The kind of work that a conventional-commit type stands for.
pub(crate) fn task_type(commit_type: Option<&str>) -> TaskType {
    match commit_type.map(str::to_ascii_lowercase).as_deref() {
        Some("fix") => TaskType::BugFix,
        Some("feat" | "enhancement") => TaskType::Feature,
        Some("docs") => TaskType::Documentation,
        Some("test" | "tests") => TaskType::Test,
        Some("ci" | "build" | "chore") => TaskType::Deployment,
        Some("refactor" | "perf" | "style" | "revert") => TaskType::Refactor,
        _ => TaskType::Unsure,
    }
}

/// The size of work that a number of changed lines stands for.
pub(crate) const fn complexity(lines_changed: u64) -> Complexity {
    match lines_changed {
        0..=20 => Complexity::Simple,
        21..=200 => Complexity::Medium,
        201..=1_000 => Complexity::Complex,
        _ => Complexity::Epic,
    }
}

/// The author named the type, or nobody knows it: there is nothing in between.
pub(crate) const fn confidence(task_type: TaskType) -> u8 {
    match task_type {
        TaskType::Unsure => 0,
        _ => 1,
    }
}
