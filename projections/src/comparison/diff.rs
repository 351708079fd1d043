//! What differs between two generations, in numbers and samples: by table, column and key.
//!
//! They may have been filled by different versions: what only one of them has is said, and what both have is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use event_store::Cut;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{RowDifference, Side, TableShape, compare_table};
use crate::error::ProjectionError;
use crate::fingerprint::ModelVersion;

/// Of which generation rows were compared, and at which cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffSide {
    /// By what it was asked for.
    pub generation: String,
    /// Who may follow it.
    pub fingerprint: String,
    /// Its projectors.
    pub models: Vec<ModelVersion>,
    /// What its rows cover.
    pub cut: Cut,
}

/// What differs between two generations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationDiff {
    /// One of them.
    pub left: DiffSide,
    /// The other one.
    pub right: DiffSide,
    /// Do both cover the same? If not, events that only one of them covers make differences too.
    pub same_cut: bool,
    /// Is there no difference at all, not even in tables and columns?
    pub equal: bool,
    /// Every table that either of them has.
    pub tables: Vec<TableDiff>,
}

/// What differs in one table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableDiff {
    /// Its name.
    pub table: String,
    /// Why its rows cannot be matched: it is on one side only, or has another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_compared: Option<String>,
    /// Rows of the left one.
    pub left_rows: u64,
    /// Rows of the right one.
    pub right_rows: u64,
    /// Keys that only the left one has.
    pub only_left: u64,
    /// Keys that only the right one has.
    pub only_right: u64,
    /// Keys that both have with different rows.
    pub changed: u64,
    /// In how many of those each column differs.
    pub columns: BTreeMap<String, u64>,
    /// Columns that only the left one has; they are not compared.
    pub columns_only_left: Vec<String>,
    /// Columns that only the right one has; they are not compared.
    pub columns_only_right: Vec<String>,
    /// Ranges of keys that were summed up, because the sums of the whole tables differ.
    pub ranges: u64,
    /// Those that were read row by row.
    pub unequal_ranges: u64,
    /// The first differences.
    pub samples: Vec<RowSample>,
}

/// One row that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowSample {
    /// Its key.
    pub key: Value,
    /// The row on the left: of a changed one the columns that differ. Null when there is none.
    pub left: Value,
    /// The same on the right.
    pub right: Value,
}

/// What of two generations is compared.
#[derive(Debug, Clone, Default)]
pub struct DiffScope {
    /// Only these tables; all when empty.
    pub tables: Vec<String>,
    /// Samples of each table.
    pub samples: usize,
}

impl TableDiff {
    /// Is nothing different?
    pub fn is_equal(&self) -> bool {
        self.not_compared.is_none()
            && self.only_left + self.only_right + self.changed == 0
            && self.columns_only_left.is_empty()
            && self.columns_only_right.is_empty()
    }

    fn add(&mut self, difference: &RowDifference, samples: usize) {
        let row = |text: &Option<String>| -> Map<String, Value> {
            let parsed = text.as_ref().and_then(|text| serde_json::from_str(text).ok());
            parsed.unwrap_or_default()
        };
        let (mut left, mut right) = (row(&difference.left), row(&difference.right));
        match (&difference.left, &difference.right) {
            (Some(_), None) => self.only_left += 1,
            (None, _) => self.only_right += 1,
            (Some(_), Some(_)) => {
                self.changed += 1;
                let same: BTreeSet<String> = left
                    .iter()
                    .filter(|(name, value)| right.get(*name) == Some(*value))
                    .map(|(name, _)| name.clone())
                    .collect();
                left.retain(|name, _| !same.contains(name));
                right.retain(|name, _| !same.contains(name));
                for name in left.keys() {
                    *self.columns.entry(name.clone()).or_default() += 1;
                }
            }
        }
        if self.samples.len() < samples {
            let side = |row: Map<String, Value>| {
                if row.is_empty() {
                    Value::Null
                } else {
                    Value::Object(row)
                }
            };
            self.samples.push(RowSample {
                key: serde_json::from_str(&difference.key).unwrap_or_default(),
                left: side(left),
                right: side(right),
            });
        }
    }
}

impl GenerationDiff {
    /// Compares what two connections see.
    pub async fn between(
        (left_side, left): (DiffSide, &mut Side<'_>),
        (right_side, right): (DiffSide, &mut Side<'_>),
        scope: &DiffScope,
        mut begins: impl FnMut(&str) + Send,
    ) -> Result<Self, ProjectionError> {
        let wanted = |shape: &TableShape| scope.tables.is_empty() || scope.tables.contains(&shape.name);
        let by_name = |shapes: Vec<TableShape>| -> BTreeMap<String, TableShape> {
            let shapes = shapes.into_iter().filter(wanted);
            shapes.map(|shape| (shape.name.clone(), shape)).collect()
        };
        let ours = by_name(TableShape::found_in(left.connection, left.schema).await?);
        let theirs = by_name(TableShape::found_in(right.connection, right.schema).await?);
        let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        let mut tables = Vec::new();
        for name in names {
            begins(name);
            let mut table = TableDiff {
                table: name.clone(),
                ..TableDiff::default()
            };
            match (ours.get(name), theirs.get(name)) {
                (Some(one), Some(other)) => {
                    table.columns_only_left = one.lacking_in(other);
                    table.columns_only_right = other.lacking_in(one);
                    match one.common(other) {
                        Some(common) => compared(&common, left, right, &mut table, scope.samples).await?,
                        None => table.not_compared = Some("it has another key on each side".to_owned()),
                    }
                }
                (Some(_), None) => table.not_compared = Some(format!("only {} has it", left_side.generation)),
                (None, _) => table.not_compared = Some(format!("only {} has it", right_side.generation)),
            }
            tables.push(table);
        }
        Ok(Self {
            same_cut: left_side.cut.covers(&right_side.cut) && right_side.cut.covers(&left_side.cut),
            equal: tables.iter().all(TableDiff::is_equal),
            left: left_side,
            right: right_side,
            tables,
        })
    }

    /// By what it is accepted: it follows from everything that was found, so another finding has another name.
    pub fn name(&self) -> String {
        // Serialising texts and numbers cannot fail; two that could not be told apart would still be of the same two generations.
        let text = serde_json::to_string(self).unwrap_or_default();
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(6).fold("diff-".to_owned(), |mut name, byte| {
            // Writing to a text cannot fail.
            let _written = write!(name, "{byte:02x}");
            name
        })
    }

    /// Rows that differ.
    pub fn different_rows(&self) -> u64 {
        let rows = |table: &TableDiff| table.only_left + table.only_right + table.changed;
        self.tables.iter().map(rows).sum()
    }
}

async fn compared(
    shape: &TableShape,
    left: &mut Side<'_>,
    right: &mut Side<'_>,
    table: &mut TableDiff,
    samples: usize,
) -> Result<(), ProjectionError> {
    let comparison = compare_table(shape, left, right, |difference| table.add(&difference, samples)).await?;
    table.left_rows = comparison.left_rows;
    table.right_rows = comparison.right_rows;
    table.ranges = comparison.ranges;
    table.unequal_ranges = comparison.unequal_ranges;
    Ok(())
}
