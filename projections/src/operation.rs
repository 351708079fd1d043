//! What a projector wants done to rows. It names columns; places are found when operations are coalesced.

use crate::table::TableDefinition;
use crate::value::Value;

/// The values of the key columns, in the order of the table's key.
pub type Key = Vec<Value>;

/// Values by column name.
pub type Columns = Vec<(&'static str, Value)>;

/// One change of one row.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOperation {
    /// The row is new: no event before this one made a row of this key. Cheaper than [`Self::Insert`], and refused by the database when it
    /// is not true.
    Create(Columns),
    /// The row holds exactly this afterwards, whatever was there: doing it again changes nothing.
    Insert(Columns),
    /// The row, if it is there, holds these values afterwards.
    Patch(Columns),
    /// Adds to counters; a row that is not there starts at zero.
    Increment(Vec<(&'static str, i64)>),
    /// The row is gone afterwards.
    Delete,
}

/// An operation with the row it means.
#[derive(Debug, Clone, PartialEq)]
pub struct TargetedOperation {
    /// The table.
    pub table: &'static TableDefinition,
    /// The row.
    pub key: Key,
    /// What to do.
    pub operation: RowOperation,
}

/// The operations of one event, in order.
#[derive(Debug, Default)]
pub struct RowOperations(Vec<TargetedOperation>);

impl RowOperations {
    /// See [`RowOperation::Create`].
    pub fn create(&mut self, table: &'static TableDefinition, key: impl Into<Key>, columns: Columns) {
        self.push(table, key.into(), RowOperation::Create(columns));
    }

    /// See [`RowOperation::Insert`].
    pub fn insert(&mut self, table: &'static TableDefinition, key: impl Into<Key>, columns: Columns) {
        self.push(table, key.into(), RowOperation::Insert(columns));
    }

    /// See [`RowOperation::Patch`].
    pub fn patch(&mut self, table: &'static TableDefinition, key: impl Into<Key>, columns: Columns) {
        self.push(table, key.into(), RowOperation::Patch(columns));
    }

    /// See [`RowOperation::Increment`].
    pub fn increment(
        &mut self,
        table: &'static TableDefinition,
        key: impl Into<Key>,
        deltas: Vec<(&'static str, i64)>,
    ) {
        self.push(table, key.into(), RowOperation::Increment(deltas));
    }

    /// See [`RowOperation::Delete`].
    pub fn delete(&mut self, table: &'static TableDefinition, key: impl Into<Key>) {
        self.push(table, key.into(), RowOperation::Delete);
    }

    /// Takes the operations out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = TargetedOperation> + '_ {
        self.0.drain(..)
    }

    fn push(&mut self, table: &'static TableDefinition, key: Key, operation: RowOperation) {
        self.0.push(TargetedOperation { table, key, operation });
    }
}
