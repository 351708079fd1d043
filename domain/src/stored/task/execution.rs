//! Stored forms of what an execution does: started, progressed, ended, landed.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::ExecutionId;
use crate::stored::Name;
use crate::task::{ExecutionResult, LogLevel, LogLine, PullRequest, Strategy, TaskEvent};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartedV1<'a> {
    pub(super) execution_id: ExecutionId,
    pub(super) strategy: Name<Strategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<Cow<'a, str>>,
    pub(super) attempt: u32,
}

impl From<StartedV1<'_>> for TaskEvent {
    fn from(stored: StartedV1<'_>) -> Self {
        Self::ExecutionStarted {
            execution_id: stored.execution_id,
            strategy: stored.strategy.0,
            model: stored.model.map(Cow::into_owned),
            attempt: stored.attempt,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgressedV1<'a> {
    pub(super) execution_id: ExecutionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) percent: Option<u8>,
    #[serde(default)]
    pub(super) log: Vec<LogLineV1<'a>>,
}

impl From<ProgressedV1<'_>> for TaskEvent {
    fn from(stored: ProgressedV1<'_>) -> Self {
        Self::ExecutionProgressed {
            execution_id: stored.execution_id,
            percent: stored.percent,
            log: stored.log.into_iter().map(LogLine::from).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogLineV1<'a> {
    at: DateTime<Utc>,
    level: Name<LogLevel>,
    message: Cow<'a, str>,
}

impl<'a> From<&'a LogLine> for LogLineV1<'a> {
    fn from(line: &'a LogLine) -> Self {
        Self {
            at: line.at,
            level: Name(line.level),
            message: Cow::Borrowed(&line.message),
        }
    }
}

impl From<LogLineV1<'_>> for LogLine {
    fn from(stored: LogLineV1<'_>) -> Self {
        Self {
            at: stored.at,
            level: stored.level.0,
            message: stored.message.into_owned(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletedV1<'a> {
    execution_id: ExecutionId,
    files_changed: u64,
    lines_added: u64,
    lines_removed: u64,
    tokens_used: u64,
    cost_micro_usd: u64,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Cow<'a, str>>,
}

impl<'a> CompletedV1<'a> {
    pub(super) fn new(execution_id: ExecutionId, result: &'a ExecutionResult) -> Self {
        Self {
            execution_id,
            files_changed: result.files_changed,
            lines_added: result.lines_added,
            lines_removed: result.lines_removed,
            tokens_used: result.tokens_used,
            cost_micro_usd: result.cost_micro_usd,
            duration_ms: result.duration_ms,
            commit: result.commit.as_deref().map(Cow::Borrowed),
        }
    }
}

impl From<CompletedV1<'_>> for TaskEvent {
    fn from(stored: CompletedV1<'_>) -> Self {
        Self::ExecutionCompleted {
            execution_id: stored.execution_id,
            result: ExecutionResult {
                files_changed: stored.files_changed,
                lines_added: stored.lines_added,
                lines_removed: stored.lines_removed,
                tokens_used: stored.tokens_used,
                cost_micro_usd: stored.cost_micro_usd,
                duration_ms: stored.duration_ms,
                commit: stored.commit.map(Cow::into_owned),
            },
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FailedV1<'a> {
    pub(super) execution_id: ExecutionId,
    pub(super) code: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
    pub(super) tokens_used: u64,
    pub(super) cost_micro_usd: u64,
    pub(super) duration_ms: u64,
}

impl From<FailedV1<'_>> for TaskEvent {
    fn from(stored: FailedV1<'_>) -> Self {
        Self::ExecutionFailed {
            execution_id: stored.execution_id,
            code: stored.code.into_owned(),
            message: stored.message.into_owned(),
            tokens_used: stored.tokens_used,
            cost_micro_usd: stored.cost_micro_usd,
            duration_ms: stored.duration_ms,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullRequestLinkedV1<'a> {
    repository: Cow<'a, str>,
    number: u64,
    url: Cow<'a, str>,
}

impl<'a> From<&'a PullRequest> for PullRequestLinkedV1<'a> {
    fn from(pull_request: &'a PullRequest) -> Self {
        Self {
            repository: Cow::Borrowed(&pull_request.repository),
            number: pull_request.number,
            url: Cow::Borrowed(&pull_request.url),
        }
    }
}

impl From<PullRequestLinkedV1<'_>> for TaskEvent {
    fn from(stored: PullRequestLinkedV1<'_>) -> Self {
        Self::PullRequestLinked(PullRequest {
            repository: stored.repository.into_owned(),
            number: stored.number,
            url: stored.url.into_owned(),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetriedV1 {
    pub(super) attempt: u32,
}

impl From<RetriedV1> for TaskEvent {
    fn from(stored: RetriedV1) -> Self {
        Self::Retried {
            attempt: stored.attempt,
        }
    }
}
