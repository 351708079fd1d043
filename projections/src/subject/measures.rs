//! What executions did, as numbers that can be added.

use domain::task::ExecutionResult;
use serde::{Deserialize, Serialize};

/// Counters of executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Measures {
    /// Executions started.
    pub executions: i64,
    /// Files touched.
    pub files_changed: i64,
    /// Lines added.
    pub lines_added: i64,
    /// Lines removed.
    pub lines_removed: i64,
    /// Tokens spent.
    pub tokens_used: i64,
    /// Micro-US-dollars spent.
    pub cost_micro_usd: i64,
    /// Milliseconds spent.
    pub duration_ms: i64,
}

impl Measures {
    /// One more execution.
    pub const STARTED: Self = Self {
        executions: 1,
        files_changed: 0,
        lines_added: 0,
        lines_removed: 0,
        tokens_used: 0,
        cost_micro_usd: 0,
        duration_ms: 0,
    };

    /// What a completed execution adds.
    pub fn of_result(result: &ExecutionResult) -> Self {
        Self {
            executions: 0,
            files_changed: number(result.files_changed),
            lines_added: number(result.lines_added),
            lines_removed: number(result.lines_removed),
            tokens_used: number(result.tokens_used),
            cost_micro_usd: number(result.cost_micro_usd),
            duration_ms: number(result.duration_ms),
        }
    }

    /// What a failed execution adds: it cost something and changed nothing.
    pub fn of_failure(tokens_used: u64, cost_micro_usd: u64, duration_ms: u64) -> Self {
        Self {
            tokens_used: number(tokens_used),
            cost_micro_usd: number(cost_micro_usd),
            duration_ms: number(duration_ms),
            ..Self::default()
        }
    }

    /// The sum. It stays at the largest number instead of wrapping around.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            executions: self.executions.saturating_add(other.executions),
            files_changed: self.files_changed.saturating_add(other.files_changed),
            lines_added: self.lines_added.saturating_add(other.lines_added),
            lines_removed: self.lines_removed.saturating_add(other.lines_removed),
            tokens_used: self.tokens_used.saturating_add(other.tokens_used),
            cost_micro_usd: self.cost_micro_usd.saturating_add(other.cost_micro_usd),
            duration_ms: self.duration_ms.saturating_add(other.duration_ms),
        }
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
