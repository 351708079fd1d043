//! What sort of work a task is, and how big.

use serde::{Deserialize, Serialize};

use crate::name::names;

/// What sort of work it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TaskType {
    /// Something is broken.
    BugFix,
    /// Something new.
    Feature,
    /// The same behaviour in a better shape.
    Refactor,
    /// Words.
    Documentation,
    /// Tests.
    Test,
    /// Builds, releases, infrastructure.
    Deployment,
    /// The classifier could not tell.
    Unsure,
}

names!(
    TaskType,
    "task type",
    [
        BugFix = "bug-fix",
        Feature = "feature",
        Refactor = "refactor",
        Documentation = "documentation",
        Test = "test",
        Deployment = "deployment",
        Unsure = "unsure",
    ]
);

/// How big it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Complexity {
    /// One sitting.
    Simple,
    /// Several steps.
    Medium,
    /// Several parts of the system.
    Complex,
    /// To be cut into tasks.
    Epic,
}

names!(
    Complexity,
    "complexity",
    [Simple = "simple", Medium = "medium", Complex = "complex", Epic = "epic"]
);

/// What the classifier said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classification {
    /// The sort of work.
    pub task_type: TaskType,
    /// The size.
    pub complexity: Complexity,
    /// 0 to 1, in thousandths, so that it compares exactly.
    pub confidence_permille: u16,
    /// Which classifier (`heuristic`, `git-history`).
    pub classifier: String,
    /// Its version.
    pub classifier_version: String,
}
