//! What the engine must know about a table to write its rows.

use crate::value::{ColumnType, Value};

/// A table of a read model. The SQL that creates it is in `migrations/read-models`.
#[derive(Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// Its name, without a schema.
    pub name: &'static str,
    /// The key columns, in the order of the primary key.
    pub key: &'static [Column],
    /// All other columns that are written (generated ones are not named).
    pub columns: &'static [Column],
    /// What happens to its rows.
    pub kind: TableKind,
}

/// What happens to the rows of a table. The narrower it is, the cheaper they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Made, changed and deleted.
    Rows,
    /// Made once and never touched again, by a key that no other event can have: a second row of the key is a fault, here or in the
    /// database.
    Appends,
    /// Counters only, only incremented, and below zero at no cut of the log. A row whose counters are all zero is not kept: it says the
    /// same as no row, and whether one was made on the way would depend on how the log was cut into batches.
    Sums,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub column_type: ColumnType,
    /// What it holds when an operation that makes the row does not say.
    pub unset: Unset,
}

/// What a column holds in a new row when nothing was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// It must be given.
    Refused,
    /// Null.
    Null,
    /// Zero: the column may be incremented.
    Zero,
}

impl Column {
    /// A column that every new row must fill.
    pub const fn required(name: &'static str, column_type: ColumnType) -> Self {
        Self {
            name,
            column_type,
            unset: Unset::Refused,
        }
    }

    /// A column that may be null.
    pub const fn nullable(name: &'static str, column_type: ColumnType) -> Self {
        Self {
            name,
            column_type,
            unset: Unset::Null,
        }
    }

    /// A number that may be incremented and starts at zero, in the SQL of the table too.
    pub const fn counter(name: &'static str) -> Self {
        Self {
            name,
            column_type: ColumnType::Int,
            unset: Unset::Zero,
        }
    }

    /// The value in a new row, unless it must be given.
    pub const fn unset_value(&self) -> Option<Value> {
        match self.unset {
            Unset::Refused => None,
            Unset::Null => Some(Value::Null),
            Unset::Zero => Some(Value::Int(0)),
        }
    }
}

impl TableDefinition {
    /// The place of a column among `columns`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}
