//! The JSON of one command line, as `POST /api/commands` takes it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// One line: an order to one stream, at the commit's time.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommandLine<'a, Body> {
    pub(crate) command: CommandName,
    pub(crate) id: Uuid,
    pub(crate) command_id: Uuid,
    pub(crate) at: DateTime<Utc>,
    pub(crate) provenance: &'a str,
    pub(crate) body: Body,
}

/// The orders that an import sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandName {
    /// Begins a conversation; sent once for each, before its messages.
    StartConversation,
    /// One message a commit.
    SendMessage,
    /// One task a commit.
    CreateTask,
    /// Its type and complexity.
    ClassifyTask,
    /// Its one execution.
    StartExecution,
    /// The execution's result; the last command of a commit.
    CompleteExecution,
}

impl CommandName {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartConversation => "conversation.start",
            Self::SendMessage => "conversation.send-message",
            Self::CreateTask => "task.create",
            Self::ClassifyTask => "task.classify",
            Self::StartExecution => "task.start-execution",
            Self::CompleteExecution => "task.complete-execution",
        }
    }
}

impl Serialize for CommandName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartConversation<'a> {
    pub(crate) title: &'a str,
    pub(crate) owner_id: Uuid,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendMessage<'a> {
    pub(crate) message_id: Uuid,
    pub(crate) role: &'static str,
    pub(crate) author_id: Uuid,
    pub(crate) content: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTask<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: &'a str,
    pub(crate) owner_id: Uuid,
    pub(crate) conversation_id: Uuid,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClassifyTask {
    #[serde(rename = "type")]
    pub(crate) task_type: &'static str,
    pub(crate) complexity: &'static str,
    pub(crate) confidence: u8,
    pub(crate) classifier: Classifier,
}

#[derive(Debug, Serialize)]
pub(crate) struct Classifier {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StartExecution {
    pub(crate) execution_id: Uuid,
    pub(crate) strategy: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompleteExecution<'a> {
    pub(crate) execution_id: Uuid,
    pub(crate) files_changed: u64,
    pub(crate) lines_added: u64,
    pub(crate) lines_removed: u64,
    pub(crate) tokens_used: u64,
    pub(crate) cost_micro_usd: u64,
    pub(crate) duration_ms: u64,
    pub(crate) commit: &'a str,
}
