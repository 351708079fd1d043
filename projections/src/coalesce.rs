//! Many operations on a row become one change of it.
//!
//! Every sequence of operations is a function from "the row before, or none" to "the row after, or none". A [`RowChange`] is that
//! function in a normal form: either it ignores what was there (after an insert or a delete), or it sets and adds columns of a row
//! that is there and knows what to make when there is none. Composing is total, so the split into batches cannot matter.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use crate::operation::{Columns, Key, RowOperation, TargetedOperation};
use crate::table::{Column, TableDefinition, TableKind, Unset};
use crate::value::Value;

/// All columns of a row except the key, in the table's order.
pub type Row = Vec<Value>;

/// A fault of a projector: it asked for what its own table does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperationFault {
    /// No such column.
    #[error("table {table} has no column {column}")]
    UnknownColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The value has another type than the column.
    #[error("a value does not fit column {column} of table {table}")]
    WrongType {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A new row lacks a column that must be given.
    #[error("a new row of table {table} lacks column {column}")]
    MissingColumn {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The key has another number or other types of values than the table's key.
    #[error("a key does not fit table {table}")]
    WrongKey {
        /// The table.
        table: &'static str,
    },
    /// An increment of a column that is not a counter, or beyond the range of a bigint.
    #[error("column {column} of table {table} cannot be incremented by that")]
    NotACounter {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The operation is not one for this kind of table, or the key was inserted before.
    #[error("table {table} does not take that operation on that row")]
    WrongKind {
        /// The table.
        table: &'static str,
    },
}

/// What happens to one row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowChange {
    /// There was nothing, and afterwards there is exactly this.
    Create(Row),
    /// Afterwards there is exactly this, or nothing.
    Replace(Option<Row>),
    /// It depends on what is there.
    Modify {
        /// Columns of an existing row that get a value, by place.
        set: BTreeMap<usize, Value>,
        /// Columns of an existing row that are added to, by place; none of them is in `set`.
        add: BTreeMap<usize, i64>,
        /// The row to make when there is none.
        missing: Option<Row>,
    },
}

impl RowChange {
    /// Changes nothing.
    pub const NOTHING: Self = Self::Modify {
        set: BTreeMap::new(),
        add: BTreeMap::new(),
        missing: None,
    };

    /// This change, and then the operation.
    pub fn then(&mut self, table: &'static TableDefinition, operation: RowOperation) -> Result<(), OperationFault> {
        let allowed = match table.kind {
            TableKind::Rows => true,
            TableKind::Appends => matches!(operation, RowOperation::Create(_)) && *self == Self::NOTHING,
            TableKind::Sums => matches!(operation, RowOperation::Increment(_)),
        };
        if !allowed {
            return Err(OperationFault::WrongKind { table: table.name });
        }
        match operation {
            RowOperation::Create(columns) if *self == Self::NOTHING => *self = Self::Create(new_row(table, columns)?),
            RowOperation::Insert(columns) | RowOperation::Create(columns) => {
                let row = new_row(table, columns)?;
                *self = match self {
                    Self::Create(_) => Self::Create(row),
                    Self::Replace(_) | Self::Modify { .. } => Self::Replace(Some(row)),
                };
            }
            RowOperation::Delete => *self = Self::Replace(None),
            RowOperation::Patch(columns) => {
                for (place, value) in placed(table, columns)? {
                    self.set_column(place, value);
                }
            }
            RowOperation::Increment(deltas) => {
                let deltas = placed_deltas(table, deltas)?;
                self.make_if_missing(table)?;
                for (place, delta) in deltas {
                    self.add_to_column(place, delta).ok_or(OperationFault::NotACounter {
                        table: table.name,
                        column: table.columns.get(place).map_or("", |column| column.name),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// The row after this change of the row before: what the database is made to do.
    pub fn apply(&self, table: &TableDefinition, before: Option<Row>) -> Option<Row> {
        let after = self.applied(before);
        after.filter(|row| table.kind != TableKind::Sums || row.iter().any(|value| *value != Value::Int(0)))
    }

    /// Does it leave the row as it is, whatever is there?
    fn is_nothing(&self, table: &TableDefinition) -> bool {
        match self {
            Self::Create(_) | Self::Replace(_) => false,
            Self::Modify { set, add, missing } => {
                let makes_a_row = missing.is_some() && table.kind != TableKind::Sums;
                set.is_empty() && !makes_a_row && add.values().all(|delta| *delta == 0)
            }
        }
    }

    fn applied(&self, before: Option<Row>) -> Option<Row> {
        match (self, before) {
            (Self::Create(row), _) => Some(row.clone()),
            (Self::Replace(row), _) => row.clone(),
            (Self::Modify { missing, .. }, None) => missing.clone(),
            (Self::Modify { set, add, .. }, Some(mut row)) => {
                for (place, value) in set {
                    if let Some(column) = row.get_mut(*place) {
                        *column = value.clone();
                    }
                }
                for (place, delta) in add {
                    if let Some(Value::Int(number)) = row.get_mut(*place) {
                        *number += delta;
                    }
                }
                Some(row)
            }
        }
    }

    fn set_column(&mut self, place: usize, value: Value) {
        let row = match self {
            Self::Create(row) => Some(row),
            Self::Replace(row) => row.as_mut(),
            Self::Modify { set, add, missing } => {
                add.remove(&place);
                set.insert(place, value.clone());
                missing.as_mut()
            }
        };
        if let Some(column) = row.and_then(|row| row.get_mut(place)) {
            *column = value;
        }
    }

    fn make_if_missing(&mut self, table: &'static TableDefinition) -> Result<(), OperationFault> {
        if let Self::Replace(missing) | Self::Modify { missing, .. } = self
            && missing.is_none()
        {
            *missing = Some(new_row(table, Vec::new())?);
        }
        Ok(())
    }

    fn add_to_column(&mut self, place: usize, delta: i64) -> Option<()> {
        let row = match self {
            Self::Create(row) => Some(row),
            Self::Replace(row) => row.as_mut(),
            Self::Modify { set, add, missing } => {
                match set.get_mut(&place) {
                    Some(Value::Int(number)) => *number = number.checked_add(delta)?,
                    Some(_) => return None,
                    None => {
                        let sum = add.entry(place).or_insert(0);
                        *sum = sum.checked_add(delta)?;
                    }
                }
                missing.as_mut()
            }
        };
        match row?.get_mut(place)? {
            Value::Int(number) => *number = number.checked_add(delta)?,
            _ => return None,
        }
        Some(())
    }
}

/// The changes of a batch: at most one a row.
#[derive(Debug, Default)]
pub struct CoalescedChanges {
    /// A handful, so looking through them costs less than a map.
    tables: Vec<(&'static TableDefinition, ChangedRows)>,
}

/// Keys are hashed once an operation, and put into order once a batch.
type ChangedRows = HashMap<Key, RowChange, foldhash::fast::RandomState>;

impl CoalescedChanges {
    /// Adds an operation after all that were added before.
    pub fn add(&mut self, target: TargetedOperation) -> Result<(), OperationFault> {
        let table = target.table;
        let fits = |(value, column): (&Value, &Column)| {
            !matches!(value, Value::Null | Value::Json(_)) && value.fits(column.column_type)
        };
        let key_fits = target.key.len() == table.key.len() && target.key.iter().zip(table.key).all(fits);
        if !key_fits {
            return Err(OperationFault::WrongKey { table: table.name });
        }
        self.rows_of(table)
            .entry(target.key)
            .or_insert(RowChange::NOTHING)
            .then(table, target.operation)
    }

    fn rows_of(&mut self, table: &'static TableDefinition) -> &mut ChangedRows {
        if let Some(place) = self.tables.iter().position(|(known, _)| std::ptr::eq(*known, table)) {
            return &mut self.tables[place].1;
        }
        &mut self.tables.push_mut((table, ChangedRows::default())).1
    }

    /// Per table the changed rows, in one order for all writers, so that two of them cannot wait for each other: tables by name, rows by
    /// key.
    pub fn into_tables(mut self) -> impl Iterator<Item = (&'static TableDefinition, Vec<(Key, RowChange)>)> {
        self.tables.sort_unstable_by_key(|(table, _)| table.name);
        self.tables.into_iter().map(|(table, rows)| {
            let mut rows: Vec<_> = rows
                .into_iter()
                .filter(|(_, change)| !change.is_nothing(table))
                .collect();
            rows.sort_unstable_by(|(one, _), (two, _)| compare_keys(one, two));
            (table, rows)
        })
    }
}

/// Keys of one table have values of the same types at the same places.
fn compare_keys(one: &Key, two: &Key) -> Ordering {
    let mut pairs = one.iter().zip(two).map(|(one, two)| compare(one, two));
    pairs.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn compare(one: &Value, two: &Value) -> Ordering {
    match (one, two) {
        (Value::Text(one), Value::Text(two)) => one.cmp(two),
        (Value::Uuid(one), Value::Uuid(two)) => one.cmp(two),
        (Value::Int(one), Value::Int(two)) => one.cmp(two),
        (Value::Bool(one), Value::Bool(two)) => one.cmp(two),
        (Value::Timestamp(one), Value::Timestamp(two)) => one.cmp(two),
        (Value::Date(one), Value::Date(two)) => one.cmp(two),
        (Value::TextArray(one), Value::TextArray(two)) => one.cmp(two),
        // Keys hold no JSON, and values of different types do not meet in one key column.
        _ => Ordering::Equal,
    }
}

fn new_row(table: &'static TableDefinition, columns: Columns) -> Result<Row, OperationFault> {
    let mut row: Vec<Option<Value>> = table.columns.iter().map(Column::unset_value).collect();
    for (place, value) in placed(table, columns)? {
        if let Some(column) = row.get_mut(place) {
            *column = Some(value);
        }
    }
    let complete = row.into_iter().zip(table.columns);
    complete
        .map(|(value, column)| {
            value.ok_or(OperationFault::MissingColumn {
                table: table.name,
                column: column.name,
            })
        })
        .collect()
}

fn placed(table: &'static TableDefinition, columns: Columns) -> Result<Vec<(usize, Value)>, OperationFault> {
    let place = |(name, value): (&'static str, Value)| {
        let place = table.column(name).ok_or(OperationFault::UnknownColumn {
            table: table.name,
            column: name,
        })?;
        let column = table.columns.get(place).filter(|column| value.fits(column.column_type));
        let column = column.ok_or(OperationFault::WrongType {
            table: table.name,
            column: name,
        })?;
        if value == Value::Null && column.unset != Unset::Null {
            return Err(OperationFault::WrongType {
                table: table.name,
                column: name,
            });
        }
        Ok((place, value))
    };
    columns.into_iter().map(place).collect()
}

fn placed_deltas(
    table: &'static TableDefinition,
    deltas: Vec<(&'static str, i64)>,
) -> Result<Vec<(usize, i64)>, OperationFault> {
    let place = |(name, delta): (&'static str, i64)| {
        let place = table.column(name).ok_or(OperationFault::UnknownColumn {
            table: table.name,
            column: name,
        })?;
        let is_counter = table
            .columns
            .get(place)
            .is_some_and(|column| column.unset == Unset::Zero);
        if is_counter {
            Ok((place, delta))
        } else {
            Err(OperationFault::NotACounter {
                table: table.name,
                column: name,
            })
        }
    };
    deltas.into_iter().map(place).collect()
}
