//! A row that the events of one stream make.

use serde_json::{Map, Value as Json};

use super::{Parting, Touch};
use crate::coalesce::Row;
use crate::operation::Key;
use crate::table::TableDefinition;
use crate::value::Value;

/// The key of a difference.
pub(super) fn read_key(table: &TableDefinition, key: &str) -> Option<Key> {
    let parts: Vec<Json> = serde_json::from_str(key).ok()?;
    let columns = table.key.iter().zip(&parts);
    columns
        .map(|(column, part)| Value::from_json(column.column_type, part))
        .collect()
}

/// One side of a difference.
pub(super) fn read(table: &TableDefinition, row: Option<&String>) -> Option<Row> {
    let row: Map<String, Json> = serde_json::from_str(row?).ok()?;
    let value = |column: &crate::table::Column| {
        let json = row.get(column.name).unwrap_or(&Json::Null);
        Value::from_json(column.column_type, json).unwrap_or(Value::Null)
    };
    Some(table.columns.iter().map(value).collect())
}

/// Where the generation's row parts from what the log says; `touches` are all that its stream did to it.
pub(super) fn find(table: &TableDefinition, touches: &[Touch], rows: &(Option<Row>, Option<Row>)) -> Parting {
    let (generation, log) = rows;
    let names = |places: &[usize]| -> Vec<String> {
        let columns = places.iter().filter_map(|place| table.columns.get(*place));
        columns.map(|column| column.name.to_owned()).collect()
    };
    let (Some(first), Some(last)) = (touches.first(), touches.last()) else {
        return Parting::FromNothing;
    };
    if last.row != *log {
        return Parting::Unstable {
            event: first.event.clone(),
            columns: names(&unequal(last.row.as_ref(), log.as_ref())),
        };
    }
    let places = unequal(generation.as_ref(), log.as_ref());
    let agrees = |row: Option<&Row>| match (row, generation) {
        (None, None) => true,
        (Some(row), Some(generation)) => places.iter().all(|place| row.get(*place) == generation.get(*place)),
        _ => false,
    };
    let columns = names(&places);
    let last_equal = touches.iter().rposition(|touch| agrees(touch.row.as_ref()));
    let parted = match last_equal {
        Some(place) => touches.get(place + 1),
        // Before its first event there is no row.
        None if generation.is_none() => Some(first),
        None => None,
    };
    match parted {
        Some(touch) => Parting::At {
            event: touch.event.clone(),
            columns,
        },
        None => Parting::Never {
            event: first.event.clone(),
            columns,
        },
    }
}

/// Places of the columns in which two rows differ; all of them matter when the log says that there is no row, and none when the generation
/// has none.
fn unequal(one: Option<&Row>, other: Option<&Row>) -> Vec<usize> {
    match (one, other) {
        (Some(one), Some(other)) => (0..one.len())
            .filter(|place| one.get(*place) != other.get(*place))
            .collect(),
        (Some(one), None) => (0..one.len()).collect(),
        (None, _) => Vec::new(),
    }
}
