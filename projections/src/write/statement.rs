//! The SQL of a shape. Values come as one array a column, so the text does not depend on the number of rows.

use crate::table::{Column, TableDefinition};
use crate::value::ColumnType;

use super::shape::Shape;

/// The statement that writes rows of a shape into a table of a schema.
pub(super) fn text(schema: &str, table: &'static TableDefinition, shape: &Shape) -> String {
    let name = format!("{schema}.\"{}\"", table.name);
    let columns = shape.columns(table);
    let source = source(&columns);
    let key = list(table.key.iter(), |column| quoted(column.name));
    let same_row = joined(table.key.iter(), " and ", |column| {
        format!("t.{0} = v.{0}", quoted(column.name))
    });
    let values = list(columns.iter().copied(), value);
    let names = list(columns.iter().copied(), |column| quoted(column.name));
    let append = format!("insert into {name} as t ({names}) select {values} from {source}");
    let insert = format!("{append} on conflict ({key})");
    match shape {
        Shape::Create => append,
        Shape::Delete => format!("delete from {name} as t using {source} where {same_row}"),
        Shape::RemoveZeros => {
            let zero = joined(table.columns.iter(), " and ", |column| {
                format!("t.{} = 0", quoted(column.name))
            });
            format!("delete from {name} as t using {source} where {same_row} and {zero}")
        }
        Shape::InsertMissing => format!("{insert} do nothing"),
        Shape::Upsert if table.columns.is_empty() => format!("{insert} do nothing"),
        Shape::Upsert => {
            let set = list(table.columns.iter(), |column| {
                format!("{0} = excluded.{0}", quoted(column.name))
            });
            format!("{insert} do update set {set}")
        }
        Shape::Increment { add } if add.is_empty() => format!("{insert} do nothing"),
        Shape::Increment { add } => {
            let set = list(places(table, add), |column| {
                format!("{0} = t.{0} + excluded.{0}", quoted(column.name))
            });
            format!("{insert} do update set {set}")
        }
        Shape::Update { set, add } => {
            let set = places(table, set).map(|column| format!("{} = {}", quoted(column.name), value(column)));
            let add = places(table, add).map(|column| format!("{0} = t.{0} + v.{0}", quoted(column.name)));
            let assignments: Vec<_> = set.chain(add).collect();
            format!(
                "update {name} as t set {} from {source} where {same_row}",
                assignments.join(", ")
            )
        }
    }
}

/// The statement by which many new rows go in.
pub(super) fn copy(schema: &str, table: &'static TableDefinition) -> String {
    let columns = Shape::Create.columns(table);
    let names = list(columns.iter().copied(), |column| quoted(column.name));
    format!("copy {schema}.\"{}\" ({names}) from stdin (format binary)", table.name)
}

/// `unnest($1::uuid[], $2::text[]) as v ("id", "title")`
fn source(columns: &[&'static Column]) -> String {
    let arrays = list(columns.iter().enumerate(), |(index, column)| {
        format!("${}::{}[]", index + 1, sent_as(column))
    });
    let names = list(columns.iter().copied(), |column| quoted(column.name));
    format!("unnest({arrays}) as v ({names})")
}

/// The type in which a value travels.
fn sent_as(column: &Column) -> &'static str {
    match column.column_type {
        ColumnType::Text | ColumnType::TextArray | ColumnType::Json => "text",
        ColumnType::Uuid => "uuid",
        ColumnType::Int => "bigint",
        ColumnType::Bool => "boolean",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Date => "date",
    }
}

/// The value that arrives in the column.
fn value(column: &Column) -> String {
    let name = quoted(column.name);
    match column.column_type {
        ColumnType::TextArray => format!("v.{name}::text[]"),
        ColumnType::Json => format!("v.{name}::jsonb"),
        _ => format!("v.{name}"),
    }
}

fn places<'a>(table: &'static TableDefinition, places: &'a [usize]) -> impl Iterator<Item = &'static Column> + 'a {
    places.iter().filter_map(|place| table.columns.get(*place))
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn list<T>(items: impl Iterator<Item = T>, text: impl Fn(T) -> String) -> String {
    joined(items, ", ", text)
}

fn joined<T>(items: impl Iterator<Item = T>, separator: &str, text: impl Fn(T) -> String) -> String {
    items.map(text).collect::<Vec<_>>().join(separator)
}
