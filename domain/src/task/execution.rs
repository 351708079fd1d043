//! One attempt at a task.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::name::names;

/// How an execution goes about a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Strategy {
    /// One call of a model.
    SingleShot,
    /// A loop of calls and checks.
    Iterative,
    /// Several agents.
    MultiAgent,
    /// It happened elsewhere; history brought in by an import.
    Imported,
}

names!(
    Strategy,
    "strategy",
    [
        SingleShot = "single-shot",
        Iterative = "iterative",
        MultiAgent = "multi-agent",
        Imported = "imported"
    ]
);

/// One line of an execution's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When the worker wrote it.
    pub at: DateTime<Utc>,
    /// How grave it is.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// How grave a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogLevel {
    /// For the curious.
    Debug,
    /// Normal.
    Info,
    /// Look at it.
    Warn,
    /// It went wrong.
    Error,
}

names!(
    LogLevel,
    "log level",
    [Debug = "debug", Info = "info", Warn = "warn", Error = "error"]
);

/// What a completed execution did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExecutionResult {
    /// Files touched.
    pub files_changed: u64,
    /// Lines added.
    pub lines_added: u64,
    /// Lines removed.
    pub lines_removed: u64,
    /// Tokens spent.
    pub tokens_used: u64,
    /// Micro-US-dollars spent.
    pub cost_micro_usd: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// The commit that holds the work.
    pub commit: Option<String>,
}
