//! Changes of the same shape go into one statement.

use std::collections::BTreeMap;

use crate::coalesce::RowChange;
use crate::operation::Key;
use crate::table::{Column, TableDefinition, TableKind};
use crate::value::Value;

/// What a statement does, and to which columns (by place).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Shape {
    /// Removes rows.
    Delete,
    /// Rows are exactly this afterwards.
    Upsert,
    /// Makes rows whose keys are new.
    Create,
    /// Changes rows that are there: these are set, those are added to.
    Update { set: Vec<usize>, add: Vec<usize> },
    /// Makes rows that are not there.
    InsertMissing,
    /// Adds to rows that are there, and makes the others with the same numbers.
    Increment { add: Vec<usize> },
    /// Removes rows whose counters are all zero now.
    RemoveZeros,
}

/// Rows for one statement, each the values of the key and then of the shape's columns.
#[derive(Debug)]
pub(super) struct ShapedRows {
    pub(super) table: &'static TableDefinition,
    pub(super) shape: Shape,
    pub(super) rows: Vec<Vec<Value>>,
}

impl Shape {
    /// The columns of the values: the key, then the shape's own.
    pub(super) fn columns(&self, table: &'static TableDefinition) -> Vec<&'static Column> {
        let own: Vec<&'static Column> = match self {
            Self::Delete | Self::RemoveZeros => Vec::new(),
            Self::Upsert | Self::Create | Self::InsertMissing => table.columns.iter().collect(),
            Self::Update { set, add } => set
                .iter()
                .chain(add)
                .filter_map(|place| table.columns.get(*place))
                .collect(),
            Self::Increment { add } => add.iter().filter_map(|place| table.columns.get(*place)).collect(),
        };
        table.key.iter().chain(own).collect()
    }
}

/// Sorts changes into statements, in the order in which they must run; rows keep their order.
///
/// A change that both sets and adds columns, and knows what to make of a missing row, needs two statements: first the update, which
/// touches only what is there, then the insert, which touches only what is not.
pub(super) fn sort_by_shape(table: &'static TableDefinition, changes: Vec<(Key, RowChange)>) -> Vec<ShapedRows> {
    if table.kind == TableKind::Sums {
        return sort_sums(table, changes);
    }
    let mut shapes: BTreeMap<Shape, Vec<Vec<Value>>> = BTreeMap::new();
    for (key, change) in changes {
        match change {
            RowChange::Replace(None) => shapes.entry(Shape::Delete).or_default().push(key),
            RowChange::Create(row) => shapes.entry(Shape::Create).or_default().push(joined(key, row)),
            RowChange::Replace(Some(row)) => shapes.entry(Shape::Upsert).or_default().push(joined(key, row)),
            RowChange::Modify {
                set,
                add,
                missing: Some(_),
            } if set.is_empty() => {
                let (places, deltas): (Vec<_>, Vec<_>) =
                    add.into_iter().map(|(place, delta)| (place, Value::Int(delta))).unzip();
                shapes
                    .entry(Shape::Increment { add: places })
                    .or_default()
                    .push(joined(key, deltas));
            }
            RowChange::Modify { set, add, missing } => {
                let (set, values): (Vec<_>, Vec<_>) = set.into_iter().unzip();
                let (add, deltas): (Vec<_>, Vec<_>) =
                    add.into_iter().map(|(place, delta)| (place, Value::Int(delta))).unzip();
                if let Some(missing) = missing {
                    shapes
                        .entry(Shape::InsertMissing)
                        .or_default()
                        .push(joined(key.clone(), missing));
                }
                let row = joined(joined(key, values), deltas);
                shapes.entry(Shape::Update { set, add }).or_default().push(row);
            }
        }
    }
    shapes
        .into_iter()
        .map(|(shape, rows)| ShapedRows { table, shape, rows })
        .collect()
}

/// One after the other, without a copy of either.
fn joined(mut one: Vec<Value>, mut two: Vec<Value>) -> Vec<Value> {
    one.append(&mut two);
    one
}

/// All rows are incremented in all columns, so that one statement takes them; those that may have come to zero are looked at after it.
fn sort_sums(table: &'static TableDefinition, changes: Vec<(Key, RowChange)>) -> Vec<ShapedRows> {
    let places = 0..table.columns.len();
    let (mut increments, mut lowered) = (Vec::with_capacity(changes.len()), Vec::new());
    for (key, change) in changes {
        // Nothing else comes out of increments, and such a table takes nothing else.
        let RowChange::Modify { add, .. } = change else {
            continue;
        };
        if add.values().any(|delta| *delta < 0) {
            lowered.push(key.clone());
        }
        let delta = |place| Value::Int(add.get(&place).copied().unwrap_or(0));
        increments.push(key.into_iter().chain(places.clone().map(delta)).collect());
    }
    let shaped = |shape, rows| ShapedRows { table, shape, rows };
    let increment = Shape::Increment { add: places.collect() };
    [shaped(increment, increments), shaped(Shape::RemoveZeros, lowered)]
        .into_iter()
        .filter(|shaped| !shaped.rows.is_empty())
        .collect()
}
