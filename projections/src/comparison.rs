//! Are two copies of a table equal? By a hash that does not depend on the order of rows; where it differs, by the same hash for each
//! [range of keys](KeyRange); and where that differs, row by row. [`diff`] sums that up for two whole generations, and [`parting`] finds the event
//! from which on a row is not what the log says.
//!
//! Both sides may be seen in different snapshots, so nothing here joins them in the database. Memory does not grow with the tables.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::ProjectionError;
use crate::projector::Projector;
use crate::subject::SUBJECT_TABLE;
use crate::table::TableDefinition;

pub mod diff;
pub mod parting;
mod ranges;
mod rows;
mod shape;

pub use ranges::{KeyRange, RANGE_ROWS};
pub use rows::{RowDifference, differences};
pub use shape::TableShape;

/// To be run at the start of a transaction in which tables are compared: their rows are compared as texts, which must not depend on the
/// settings of a session.
pub const TEXT_SETTINGS: &str = "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1; set local bytea_output = 'hex'";

/// A generation as one connection sees it.
#[derive(Debug)]
pub struct Side<'a> {
    /// In the transaction that [`TEXT_SETTINGS`] were made for.
    pub connection: &'a mut PgConnection,
    /// Its schema.
    pub schema: &'a str,
}

/// What a table, or a range of its keys, holds, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// Its rows.
    pub rows: u64,
    /// The sum of 128-bit hashes of its rows, in two halves: equal for equal rows in any order, and a row that is there twice counts twice.
    pub hash: String,
}

/// How a table was compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableComparison {
    /// Rows of the left one.
    pub left_rows: u64,
    /// Rows of the right one.
    pub right_rows: u64,
    /// Ranges of keys that were summed up; none when the sums of the whole tables are equal.
    pub ranges: u64,
    /// Those that were read row by row.
    pub unequal_ranges: u64,
}

/// The tables of a generation of these projectors.
pub fn tables(projectors: &[Box<dyn Projector>]) -> Vec<&'static TableDefinition> {
    let own = projectors
        .iter()
        .flat_map(|projector| projector.tables().iter().copied());
    std::iter::once(&SUBJECT_TABLE).chain(own).collect()
}

/// Sums up a range of a table; the database does the work.
pub async fn summarize(
    side: &mut Side<'_>,
    shape: &TableShape,
    range: &KeyRange,
) -> Result<TableSummary, ProjectionError> {
    let half =
        |from: usize| format!("coalesce(sum(('x' || substr(hash, {from}, 16))::bit(64)::bigint::numeric), 0)::text");
    let sql = format!(
        "select count(*), {} || ' ' || {} from (select md5(row({})::text) as hash from {} as t where {}) as rows",
        half(1),
        half(17),
        shape.all_columns(),
        shape.within(side.schema),
        range.condition(shape)
    );
    let (rows, hash): (i64, String) = sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(&mut *side.connection)
        .await?;
    Ok(TableSummary {
        rows: u64::try_from(rows).unwrap_or(0),
        hash,
    })
}

/// Compares one table of two generations and hands every difference over. Of tables that are not equal only the unequal ranges of keys are
/// read row by row.
pub async fn compare_table(
    shape: &TableShape,
    left: &mut Side<'_>,
    right: &mut Side<'_>,
    mut each: impl FnMut(RowDifference) + Send,
) -> Result<TableComparison, ProjectionError> {
    let ours = summarize(left, shape, &KeyRange::ALL).await?;
    let theirs = summarize(right, shape, &KeyRange::ALL).await?;
    let mut comparison = TableComparison {
        left_rows: ours.rows,
        right_rows: theirs.rows,
        ranges: 0,
        unequal_ranges: 0,
    };
    if ours == theirs {
        return Ok(comparison);
    }
    let ranges = if ours.rows >= theirs.rows {
        ranges::of(left, shape).await?
    } else {
        ranges::of(right, shape).await?
    };
    for range in ranges {
        comparison.ranges += 1;
        if summarize(left, shape, &range).await? != summarize(right, shape, &range).await? {
            comparison.unequal_ranges += 1;
            differences(shape, &range, left, right, &mut each).await?;
        }
    }
    Ok(comparison)
}

/// Compares every table of two generations of these projectors and hands every difference over; the rows that the left one has, by table.
pub async fn compare(
    projectors: &[Box<dyn Projector>],
    left: (&mut PgConnection, &str),
    right: (&mut PgConnection, &str),
    mut each: impl FnMut(&'static TableDefinition, RowDifference) + Send,
) -> Result<BTreeMap<String, u64>, ProjectionError> {
    let side = |(connection, schema)| Side { connection, schema };
    let (mut left, mut right) = (side(left), side(right));
    let mut rows = BTreeMap::new();
    for table in tables(projectors) {
        let shape = TableShape::of(table);
        let compared = compare_table(&shape, &mut left, &mut right, |difference| each(table, difference));
        rows.insert(table.name.to_owned(), compared.await?.left_rows);
    }
    Ok(rows)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
