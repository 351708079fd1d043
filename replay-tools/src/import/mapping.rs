//! From a commit to the commands of one finished task and of the conversation that it belongs to.

use std::collections::HashSet;

use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use domain::task::Strategy;
use domain::{conversation, task};
use serde::Serialize;
use uuid::Uuid;

use crate::import::commit::HistoryCommit;
use crate::import::wire::{
    Classifier, ClassifyTask, CommandLine, CommandName, CompleteExecution, CreateTask, SendMessage, StartConversation,
    StartExecution,
};
use crate::import::{classification, identity, text};

/// Written to in one piece for many commands, which then share the memory.
const BUFFER_BYTES: usize = 256 * 1024;
/// Forgetting which conversations were started only sends a start again, which changes nothing.
const REMEMBERED_CONVERSATIONS: usize = 1_000_000;

/// One command, ready to be sent.
#[derive(Debug, Clone)]
pub struct MappedCommand {
    /// The line of the history that it comes from.
    pub line: u64,
    /// The stream's id: commands of one stream are sent in order.
    pub target: Uuid,
    /// What it orders.
    pub name: CommandName,
    /// Its JSON with the line feed.
    pub json: Bytes,
}

/// Turns commits into commands; remembers only which conversations it has started.
#[derive(Debug, Default)]
pub struct CommitMapper {
    started: HashSet<Uuid>,
    buffer: BytesMut,
}

impl CommitMapper {
    /// Gives the commands of `commit`, in the order in which they must be applied, to `out`.
    pub fn map(&mut self, line: u64, commit: &HistoryCommit, out: &mut Vec<MappedCommand>) -> serde_json::Result<()> {
        let repo = text::name(&commit.repo);
        let scope = text::name(commit.scope.as_deref().unwrap_or_default());
        let subject = text::subject(&commit.subject);
        let month = commit.at.format("%Y-%m").to_string();
        let conversation_id = identity::of_conversation(&repo, &scope, &month);
        let task_id = identity::of_commit("task", &repo, &commit.sha);
        let execution_id = identity::of_commit("execution", &repo, &commit.sha);
        let message_id = identity::of_commit("message", &repo, &commit.sha);
        let provenance = format!("git:{repo}");
        let mut lines = Lines {
            line,
            at: commit.at,
            provenance: &provenance,
            buffer: &mut self.buffer,
            out,
        };

        if self.started.len() >= REMEMBERED_CONVERSATIONS {
            self.started.clear();
        }
        if self.started.insert(conversation_id) {
            let title = conversation_title(if scope.is_empty() { &repo } else { &scope }, &month);
            let body = StartConversation {
                title: &title,
                owner_id: commit.author,
            };
            lines.push(CommandName::StartConversation, conversation_id, conversation_id, body)?;
        }
        let content = text::cut(&subject, conversation::USER_CONTENT_MAX);
        let body = SendMessage {
            message_id,
            role: "user",
            author_id: commit.author,
            content,
        };
        lines.push(CommandName::SendMessage, conversation_id, message_id, body)?;

        let description = text::clean(&commit.body);
        let description = if description.trim().is_empty() {
            &subject
        } else {
            &description
        };
        let body = CreateTask {
            title: text::cut(&subject, task::TITLE_MAX),
            description: text::cut(description, task::DESCRIPTION_MAX),
            owner_id: commit.author,
            conversation_id,
        };
        lines.push(CommandName::CreateTask, task_id, task_id, body)?;
        lines.push(CommandName::ClassifyTask, task_id, task_id, classify(commit))?;
        let body = StartExecution {
            execution_id,
            strategy: Strategy::Imported.as_str(),
        };
        lines.push(CommandName::StartExecution, task_id, task_id, body)?;
        let body = CompleteExecution {
            execution_id,
            files_changed: commit.files_changed,
            lines_added: commit.lines_added,
            lines_removed: commit.lines_removed,
            tokens_used: 0,
            cost_micro_usd: 0,
            duration_ms: 0,
            commit: &commit.sha,
        };
        lines.push(CommandName::CompleteExecution, task_id, task_id, body)
    }
}

fn classify(commit: &HistoryCommit) -> ClassifyTask {
    let task_type = classification::task_type(commit.commit_type.as_deref());
    let complexity = classification::complexity(commit.lines_added.saturating_add(commit.lines_removed));
    ClassifyTask {
        task_type: task_type.as_str(),
        complexity: complexity.as_str(),
        confidence: classification::confidence(task_type),
        classifier: Classifier {
            name: classification::CLASSIFIER,
            version: classification::CLASSIFIER_VERSION,
        },
    }
}

/// `scope (2024-05)`; a long name is cut so that the month stays.
fn conversation_title(name: &str, month: &str) -> String {
    let suffix = format!(" ({month})");
    let room = conversation::TITLE_MAX.saturating_sub(u64::try_from(suffix.len()).unwrap_or(u64::MAX));
    format!("{}{suffix}", text::cut(name, room))
}

/// What the commands of one commit have in common.
struct Lines<'a> {
    line: u64,
    at: DateTime<Utc>,
    provenance: &'a str,
    buffer: &'a mut BytesMut,
    out: &'a mut Vec<MappedCommand>,
}

impl Lines<'_> {
    /// `about` is the thing in whose life the command is sent once.
    fn push<Body: Serialize>(
        &mut self,
        command: CommandName,
        id: Uuid,
        about: Uuid,
        body: Body,
    ) -> serde_json::Result<()> {
        let command_id = identity::of_command(command.as_str(), about);
        let line = CommandLine {
            command,
            id,
            command_id,
            at: self.at,
            provenance: self.provenance,
            body,
        };
        if self.buffer.capacity() < BUFFER_BYTES / 16 {
            self.buffer.reserve(BUFFER_BYTES);
        }
        serde_json::to_writer((&mut *self.buffer).writer(), &line)?;
        self.buffer.put_u8(b'\n');
        let json = self.buffer.split().freeze();
        self.out.push(MappedCommand {
            line: self.line,
            target: id,
            name: command,
            json,
        });
        Ok(())
    }
}
