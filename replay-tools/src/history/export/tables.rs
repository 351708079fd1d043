//! The tables of an export: one of all events, and one for each event type, whose columns are in [`fields`].

mod fields;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::stored;
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
        let name = fields::table_of(&event);
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
        fields::add(&event, table);
        table.end_row()
    }

    pub(super) fn finish(self, file_name: &str) -> Result<Vec<TableFile>, ExportError> {
        let files = self.tables.into_values().map(|table| table.finish(file_name));
        Ok(files.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
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
