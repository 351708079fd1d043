//! What each event type says, as columns: the names are those of the stored fields in snake case, lists are JSON.

use std::borrow::Cow;

use domain::DomainEvent;
use domain::administration::{AdministrationEvent, Request};
use domain::conversation::ConversationEvent;
use domain::quota::QuotaEvent;
use domain::task::{Complexity, TaskEvent, TaskType};
use serde_json::Value;

use crate::history::export::table::{Storage, Table};

use Storage::{Opaque, Repeating, Unique};

/// The table of an event: its type without the version, since the columns are those of the newest.
pub(super) fn table_of(event: &DomainEvent) -> &'static str {
    match event {
        DomainEvent::Conversation(event) => match event {
            ConversationEvent::Started { .. } => "conversation.started",
            ConversationEvent::Renamed { .. } => "conversation.renamed",
            ConversationEvent::MessageSent(_) => "conversation.message-sent",
            ConversationEvent::Archived => "conversation.archived",
            ConversationEvent::Reopened => "conversation.reopened",
            ConversationEvent::Deleted => "conversation.deleted",
        },
        DomainEvent::Task(event) => match event {
            TaskEvent::Created { .. } => "task.created",
            TaskEvent::Amended { .. } => "task.amended",
            TaskEvent::ClassificationRequested => "task.classification-requested",
            TaskEvent::Classified(_) => "task.classified",
            TaskEvent::ClassificationFailed { .. } => "task.classification-failed",
            TaskEvent::ExecutionStarted { .. } => "task.execution-started",
            TaskEvent::ExecutionProgressed { .. } => "task.execution-progressed",
            TaskEvent::ExecutionCompleted { .. } => "task.execution-completed",
            TaskEvent::ExecutionFailed { .. } => "task.execution-failed",
            TaskEvent::PullRequestLinked(_) => "task.pull-request-linked",
            TaskEvent::Cancelled { .. } => "task.cancelled",
            TaskEvent::Retried { .. } => "task.retried",
            TaskEvent::Deleted => "task.deleted",
        },
        DomainEvent::Quota(QuotaEvent::Reserved { .. }) => "quota.reserved",
        DomainEvent::Administration(event) => match event {
            AdministrationEvent::OperationRequested(_) => "administration.operation-requested",
            AdministrationEvent::RebuildBegun { .. } => "administration.rebuild-begun",
            AdministrationEvent::GenerationPromoted { .. } => "administration.generation-promoted",
            AdministrationEvent::GenerationRolledBack { .. } => "administration.generation-rolled-back",
            AdministrationEvent::GenerationDropped { .. } => "administration.generation-dropped",
            AdministrationEvent::StreamsRetried { .. } => "administration.streams-retried",
            AdministrationEvent::EventsDiscarded { .. } => "administration.events-discarded",
            AdministrationEvent::OperationFailed { .. } => "administration.operation-failed",
        },
    }
}

/// The columns of the fields of an event's data.
pub(super) fn add(event: &DomainEvent, table: &mut Table) {
    match event {
        DomainEvent::Conversation(event) => conversation(event, table),
        DomainEvent::Task(event) => task(event, table),
        DomainEvent::Quota(event) => quota(*event, table),
        DomainEvent::Administration(event) => administration(event, table),
    }
}

fn conversation(event: &ConversationEvent, table: &mut Table) {
    match event {
        ConversationEvent::Started { owner_id, title } => {
            id(table, "owner_id", Repeating, owner_id.as_uuid());
            table.text("title", Unique, title);
        }
        ConversationEvent::Renamed { title } => table.text("title", Unique, title),
        ConversationEvent::MessageSent(message) => {
            id(table, "message_id", Unique, message.id.as_uuid());
            table.text("role", Repeating, message.role.as_str());
            let author = message.author_id.map(|author| author.to_string());
            table.maybe_text("author_id", Repeating, author.as_deref());
            table.text("content", Opaque, &message.content);
            table.text("attachments", Repeating, &json(&message.attachments));
            table.maybe_text("model", Repeating, message.model.as_deref());
            table.maybe_long("tokens_used", Repeating, message.tokens_used.map(number));
        }
        ConversationEvent::Archived | ConversationEvent::Reopened | ConversationEvent::Deleted => {}
    }
}

fn task(event: &TaskEvent, table: &mut Table) {
    match event {
        TaskEvent::Created {
            owner_id,
            title,
            description,
            task_type,
            complexity,
            priority,
            conversation_id,
        } => {
            id(table, "owner_id", Repeating, owner_id.as_uuid());
            table.text("title", Unique, title);
            table.text("description", Opaque, description);
            table.maybe_text("type", Repeating, task_type.map(TaskType::as_str));
            table.maybe_text("complexity", Repeating, complexity.map(Complexity::as_str));
            table.long("priority", Repeating, (*priority).into());
            let conversation = conversation_id.map(|conversation| conversation.to_string());
            table.maybe_text("conversation_id", Repeating, conversation.as_deref());
        }
        TaskEvent::Amended {
            title,
            description,
            task_type,
            complexity,
            priority,
        } => {
            table.maybe_text("title", Unique, title.as_deref());
            table.maybe_text("description", Opaque, description.as_deref());
            table.maybe_text("type", Repeating, task_type.map(TaskType::as_str));
            table.maybe_text("complexity", Repeating, complexity.map(Complexity::as_str));
            table.maybe_long("priority", Repeating, priority.map(i64::from));
        }
        TaskEvent::Classified(classification) => {
            table.text("type", Repeating, classification.task_type.as_str());
            table.text("complexity", Repeating, classification.complexity.as_str());
            table.double("confidence", f64::from(classification.confidence_permille) / 1_000.0);
            table.text("classifier", Repeating, &classification.classifier);
            table.text("classifier_version", Repeating, &classification.classifier_version);
        }
        TaskEvent::ClassificationFailed { code, message } => {
            table.text("code", Repeating, code);
            table.text("message", Unique, message);
        }
        TaskEvent::ExecutionStarted {
            execution_id,
            strategy,
            model,
            attempt,
        } => {
            id(table, "execution_id", Unique, execution_id.as_uuid());
            table.text("strategy", Repeating, strategy.as_str());
            table.maybe_text("model", Repeating, model.as_deref());
            table.long("attempt", Repeating, (*attempt).into());
        }
        TaskEvent::ExecutionProgressed {
            execution_id,
            percent,
            log,
        } => {
            id(table, "execution_id", Repeating, execution_id.as_uuid());
            table.maybe_long("percent", Repeating, percent.map(i64::from));
            let lines = log.iter().map(
                |line| serde_json::json!({ "at": line.at, "level": line.level.as_str(), "message": line.message }),
            );
            table.text("log", Opaque, &lines.collect::<Value>().to_string());
        }
        TaskEvent::ExecutionCompleted { execution_id, result } => {
            id(table, "execution_id", Unique, execution_id.as_uuid());
            table.long("files_changed", Repeating, number(result.files_changed));
            table.long("lines_added", Repeating, number(result.lines_added));
            table.long("lines_removed", Repeating, number(result.lines_removed));
            table.long("tokens_used", Repeating, number(result.tokens_used));
            table.long("cost_micro_usd", Repeating, number(result.cost_micro_usd));
            table.long("duration_ms", Repeating, number(result.duration_ms));
            table.maybe_text("commit", Unique, result.commit.as_deref());
        }
        TaskEvent::ExecutionFailed {
            execution_id,
            code,
            message,
            tokens_used,
            cost_micro_usd,
            duration_ms,
        } => {
            id(table, "execution_id", Unique, execution_id.as_uuid());
            table.text("code", Repeating, code);
            table.text("message", Unique, message);
            table.long("tokens_used", Repeating, number(*tokens_used));
            table.long("cost_micro_usd", Repeating, number(*cost_micro_usd));
            table.long("duration_ms", Repeating, number(*duration_ms));
        }
        TaskEvent::PullRequestLinked(pull_request) => {
            table.text("repository", Repeating, &pull_request.repository);
            table.long("number", Repeating, number(pull_request.number));
            table.text("url", Unique, &pull_request.url);
        }
        TaskEvent::Cancelled { reason } => table.maybe_text("reason", Unique, reason.as_deref()),
        TaskEvent::Retried { attempt } => table.long("attempt", Repeating, (*attempt).into()),
        TaskEvent::ClassificationRequested | TaskEvent::Deleted => {}
    }
}

fn quota(event: QuotaEvent, table: &mut Table) {
    let QuotaEvent::Reserved { reservation, at } = event;
    id(table, "reservation", Unique, reservation);
    table.time("at", at.timestamp_micros());
}

fn administration(event: &AdministrationEvent, table: &mut Table) {
    id(table, "operation", Unique, event.operation());
    match event {
        AdministrationEvent::OperationRequested(Request {
            operation: _,
            kind,
            generation,
            stream,
            reason,
            account,
        }) => {
            table.text("kind", Repeating, kind.as_str());
            table.maybe_text("generation", Repeating, generation.as_deref());
            table.maybe_text("parked_stream", Repeating, stream.as_deref());
            table.maybe_text("reason", Unique, reason.as_deref());
            table.maybe_text("account", Repeating, account.as_deref());
        }
        AdministrationEvent::RebuildBegun { generation, .. }
        | AdministrationEvent::GenerationDropped { generation, .. } => {
            table.text("generation", Repeating, generation);
        }
        AdministrationEvent::GenerationPromoted { generation, before, .. }
        | AdministrationEvent::GenerationRolledBack { generation, before, .. } => {
            table.text("generation", Repeating, generation);
            table.text("before", Repeating, before);
        }
        AdministrationEvent::StreamsRetried { streams, .. } => table.long("streams", Repeating, number(*streams)),
        AdministrationEvent::EventsDiscarded { events, .. } => {
            table.text("events", Unique, &serde_json::json!(events).to_string());
        }
        AdministrationEvent::OperationFailed { code, .. } => table.text("code", Repeating, code),
    }
}

fn id(table: &mut Table, name: &'static str, storage: Storage, uuid: uuid::Uuid) {
    let mut buffer = uuid::Uuid::encode_buffer();
    table.text(name, storage, uuid.hyphenated().encode_lower(&mut buffer));
}

/// Larger ones do not fit a signed column; no count of ours comes near.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn json(ids: &[domain::AttachmentId]) -> Cow<'static, str> {
    if ids.is_empty() {
        return Cow::Borrowed("[]");
    }
    Cow::Owned(ids.iter().map(ToString::to_string).collect::<Value>().to_string())
}
