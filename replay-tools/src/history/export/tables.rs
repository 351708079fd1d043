//! The tables of an export: one of all events, and one for each event type.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::conversation::ConversationEvent;
use domain::quota::QuotaEvent;
use domain::task::TaskEvent;
use domain::{DomainEvent, stored};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::ExportError;
use super::manifest::{EVENTS, TYPES, TableFile};
use super::row::Row;
use super::table::{Storage, Table};

use Storage::{Opaque, Repeating, Rising, Unique};

/// Metadata as it is stored, as far as it has columns.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stamp<'a> {
    #[serde(borrow)]
    command_id: Cow<'a, str>,
    #[serde(borrow)]
    command_hash: Cow<'a, str>,
    #[serde(borrow)]
    actor: Cow<'a, str>,
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    correlation_id: Cow<'a, str>,
    #[serde(borrow, default)]
    causation_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    traceparent: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    provenance: Option<Cow<'a, str>>,
}

impl<'a> Stamp<'a> {
    fn of(row: &Row<'a>) -> Result<Self, ExportError> {
        serde_json::from_str(row.metadata)
            .map_err(|_| ExportError::NotARow("the metadata of an event does not fit its schema"))
    }
}

/// The table of all events.
pub(super) struct EventsTable {
    table: Table,
}

impl EventsTable {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            table: Table::new(folder, EVENTS, EVENTS.to_owned()),
        }
    }

    pub(super) fn add(&mut self, row: &Row<'_>) -> Result<(), ExportError> {
        let stamp = Stamp::of(row)?;
        let table = &mut self.table;
        let mut buffer = uuid::Uuid::encode_buffer();
        table.long("position", Rising, row.position);
        table.int("partition", row.partition);
        table.long("offset", Rising, row.offset);
        table.int("index", row.index);
        table.text("stream", Repeating, row.stream);
        table.text("category", Repeating, row.category());
        table.long("revision", Repeating, row.revision);
        table.text("event_id", Unique, row.id.hyphenated().encode_lower(&mut buffer));
        table.text("event_type", Repeating, row.event_type);
        table.time("time", row.time);
        table.time("recorded_at", row.recorded_at);
        table.text("command", Unique, row.command.hyphenated().encode_lower(&mut buffer));
        table.text("command_id", Unique, &stamp.command_id);
        table.text("command_hash", Unique, &stamp.command_hash);
        table.text("actor", Repeating, &stamp.actor);
        table.text("role", Repeating, &stamp.role);
        table.text("correlation_id", Unique, &stamp.correlation_id);
        table.maybe_text("causation_id", Unique, stamp.causation_id.as_deref());
        table.maybe_text("traceparent", Unique, stamp.traceparent.as_deref());
        table.maybe_text("provenance", Repeating, stamp.provenance.as_deref());
        table.text("data", Opaque, row.data);
        table.text("metadata", Opaque, row.metadata);
        table.end_row()
    }

    pub(super) fn finish(self, file_name: &str) -> Result<Option<TableFile>, ExportError> {
        self.table.finish(file_name)
    }
}

/// The tables of event types, each made with its first event.
pub(super) struct TypedTables {
    folder: PathBuf,
    tables: BTreeMap<&'static str, Table>,
    /// Events that this version cannot read: they have no row here.
    pub(super) unreadable: u64,
}

impl TypedTables {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            tables: BTreeMap::new(),
            unreadable: 0,
        }
    }

    /// Adds the event, read by the one decode path: old versions have the columns of the newest.
    pub(super) fn add(&mut self, row: &Row<'_>) -> Result<(), ExportError> {
        let data: &RawValue =
            serde_json::from_str(row.data).map_err(|_| ExportError::NotARow("the data of an event is not JSON"))?;
        let Ok(event) = stored::decode(row.event_type, data) else {
            self.unreadable += 1;
            return Ok(());
        };
        let name = name_of(&event);
        let folder = &self.folder;
        let table = self
            .tables
            .entry(name)
            .or_insert_with(|| Table::new(folder, name, format!("{TYPES}/{name}")));
        let mut buffer = uuid::Uuid::encode_buffer();
        // Who and why is in the table of all events, under the same position: reading it twice costs more than a join.
        table.long("position", Rising, row.position);
        table.int("partition", row.partition);
        table.text("stream", Repeating, row.stream);
        table.long("revision", Repeating, row.revision);
        table.text("event_id", Unique, row.id.hyphenated().encode_lower(&mut buffer));
        table.text("event_type", Repeating, row.event_type);
        table.time("time", row.time);
        table.time("recorded_at", row.recorded_at);
        match &event {
            DomainEvent::Conversation(event) => conversation(event, table),
            DomainEvent::Task(event) => task(event, table),
            DomainEvent::Quota(event) => quota(*event, table),
        }
        table.end_row()
    }

    pub(super) fn finish(self, file_name: &str) -> Result<Vec<TableFile>, ExportError> {
        let files = self.tables.into_values().map(|table| table.finish(file_name));
        Ok(files.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

/// The table of an event: its type without the version, since the columns are those of the newest.
fn name_of(event: &DomainEvent) -> &'static str {
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

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event type, as in the decode path"
)]
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
            table.maybe_text("type", Repeating, task_type.map(|kind| kind.as_str()));
            table.maybe_text(
                "complexity",
                Repeating,
                complexity.map(|complexity| complexity.as_str()),
            );
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
            table.maybe_text("type", Repeating, task_type.map(|kind| kind.as_str()));
            table.maybe_text(
                "complexity",
                Repeating,
                complexity.map(|complexity| complexity.as_str()),
            );
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
            table.text("log", Opaque, &serde_json::Value::from_iter(lines).to_string());
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
    Cow::Owned(serde_json::Value::from_iter(ids.iter().map(ToString::to_string)).to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use serde_json::{Map, Value};

    use super::*;

    fn column(field: &str) -> String {
        let mut name = String::new();
        for letter in field.chars() {
            if letter.is_ascii_uppercase() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    #[test]
    fn every_field_of_every_event_type_has_a_column() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../domain/tests/fixtures");
        let mut seen = BTreeSet::new();
        for folder in fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()) {
            let versions = fs::read_dir(&folder)
                .into_iter()
                .flatten()
                .map(|entry| entry.unwrap().path());
            for path in versions.filter(|path| !path.to_str().unwrap().ends_with(".expected.json")) {
                let name = folder.file_name().unwrap().to_str().unwrap();
                let event_type = format!("{name}.{}", path.file_stem().unwrap().to_str().unwrap());
                let data = fs::read_to_string(&path).unwrap();
                let row = Row {
                    position: 7,
                    partition: 0,
                    offset: 7,
                    index: 0,
                    revision: 0,
                    time: 1,
                    recorded_at: 2,
                    id: uuid::Uuid::from_u128(1),
                    command: uuid::Uuid::from_u128(2),
                    stream: "task-1",
                    event_type: &event_type,
                    data: &data,
                    metadata: r#"{"commandId": "c", "commandHash": "0", "actor": "a", "role": "user", "correlationId": "x"}"#,
                };
                let mut tables = TypedTables::new(Path::new("nowhere"));
                tables.add(&row).unwrap();
                assert_eq!(tables.unreadable, 0, "{event_type}");
                let (table, columns) = tables
                    .tables
                    .iter()
                    .map(|(name, table)| (*name, table.column_names()))
                    .next()
                    .unwrap();
                assert_eq!(table, name);
                // What is written today: a field that nobody knows yet has no column.
                let expected = fs::read_to_string(path.with_extension("expected.json")).unwrap();
                let fields: Map<String, Value> = serde_json::from_str(&expected).unwrap();
                for field in fields.keys() {
                    assert!(
                        columns.contains(&column(field).as_str()),
                        "{event_type} has no column for {field}"
                    );
                }
                assert_eq!(
                    columns.len(),
                    columns.iter().collect::<BTreeSet<_>>().len(),
                    "{event_type}: {columns:?}"
                );
                seen.insert(event_type);
            }
        }
        assert_eq!(seen, stored::EVENT_TYPES.iter().map(ToString::to_string).collect());
    }
}
