//! Are two copies of a table equal? By a hash that does not depend on the order of rows, and where it differs, row by row.
//!
//! Both sides may be seen in different snapshots, so nothing here joins them in the database. Memory does not grow with the tables.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::error::ProjectionError;
use crate::projector::Projector;
use crate::subject::SUBJECT_TABLE;
use crate::table::{Column, TableDefinition};

/// To be run at the start of a transaction in which tables are compared: their rows are compared as texts, which must not depend on the
/// settings of a session.
pub const TEXT_SETTINGS: &str = "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1; set local bytea_output = 'hex'";

/// What a table holds, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSummary {
    /// Its rows.
    pub rows: u64,
    /// The sum of 128-bit hashes of its rows, in two halves: equal for equal rows in any order, and a row that is there twice counts twice.
    pub hash: String,
}

/// A row that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowDifference {
    /// Its key, as a JSON array.
    pub key: String,
    /// The row on the left as a JSON object; none when it is not there.
    pub left: Option<String>,
    /// The same on the right.
    pub right: Option<String>,
}

/// The tables of a generation of these projectors.
pub fn tables(projectors: &[Box<dyn Projector>]) -> Vec<&'static TableDefinition> {
    let own = projectors
        .iter()
        .flat_map(|projector| projector.tables().iter().copied());
    std::iter::once(&SUBJECT_TABLE).chain(own).collect()
}

/// Sums up a table; the database does the work.
pub async fn summarize(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableDefinition,
) -> Result<TableSummary, ProjectionError> {
    let columns = joined(table, |column| format!("t.{}", quoted(column.name)));
    let half =
        |from: usize| format!("coalesce(sum(('x' || substr(hash, {from}, 16))::bit(64)::bigint::numeric), 0)::text");
    let sql = format!(
        "select count(*), {} || ' ' || {} from (select md5(row({columns})::text) as hash from {schema}.{} t) as rows",
        half(1),
        half(17),
        quoted(table.name)
    );
    let (rows, hash): (i64, String) = sqlx::query_as(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(TableSummary {
        rows: u64::try_from(rows).unwrap_or(0),
        hash,
    })
}

/// Compares every table of two generations of these projectors and hands every difference over; the rows that the left one has, by table.
/// Tables whose sums are equal are not looked at row by row.
pub async fn compare(
    projectors: &[Box<dyn Projector>],
    left: (&mut PgConnection, &str),
    right: (&mut PgConnection, &str),
    mut each: impl FnMut(&'static TableDefinition, RowDifference) + Send,
) -> Result<BTreeMap<String, u64>, ProjectionError> {
    let ((left, left_schema), (right, right_schema)) = (left, right);
    let mut rows = BTreeMap::new();
    for table in tables(projectors) {
        let ours = summarize(left, left_schema, table).await?;
        let theirs = summarize(right, right_schema, table).await?;
        rows.insert(table.name.to_owned(), ours.rows);
        if ours != theirs {
            differences(
                table,
                (&mut *left, left_schema),
                (&mut *right, right_schema),
                |difference| {
                    each(table, difference);
                },
            )
            .await?;
        }
    }
    Ok(rows)
}

/// Goes through both copies in the order of their keys and hands every difference over.
pub async fn differences(
    table: &TableDefinition,
    left: (&mut PgConnection, &str),
    right: (&mut PgConnection, &str),
    mut each: impl FnMut(RowDifference) + Send,
) -> Result<(), ProjectionError> {
    type Keyed = (String, String);
    let (left_sql, right_sql) = (by_key(left.1, table), by_key(right.1, table));
    let mut left_rows = sqlx::query_as::<_, Keyed>(AssertSqlSafe(left_sql)).fetch(left.0);
    let mut right_rows = sqlx::query_as::<_, Keyed>(AssertSqlSafe(right_sql)).fetch(right.0);
    let (mut ours, mut theirs) = (left_rows.try_next().await?, right_rows.try_next().await?);
    loop {
        // Both sides come in the order of bytes.
        let order = match (&ours, &theirs) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(ours), Some(theirs)) => ours.0.cmp(&theirs.0),
        };
        let left = if order.is_le() { ours.take() } else { None };
        let right = if order.is_ge() { theirs.take() } else { None };
        if left.is_some() {
            ours = left_rows.try_next().await?;
        }
        if right.is_some() {
            theirs = right_rows.try_next().await?;
        }
        if left != right {
            let key = left.iter().chain(&right).map(|(key, _)| key.clone()).next();
            each(RowDifference {
                key: key.unwrap_or_default(),
                left: left.map(|(_, row)| row),
                right: right.map(|(_, row)| row),
            });
        }
    }
    Ok(())
}

/// Key and row as JSON, in the order of the bytes of the key.
fn by_key(schema: &str, table: &TableDefinition) -> String {
    let key: Vec<_> = table
        .key
        .iter()
        .map(|column| format!("t.{}", quoted(column.name)))
        .collect();
    let members = joined(table, |column| format!("'{}', t.{}", column.name, quoted(column.name)));
    format!(
        "select jsonb_build_array({})::text collate \"C\", jsonb_build_object({members})::text from {schema}.{} t order by 1",
        key.join(", "),
        quoted(table.name)
    )
}

fn joined(table: &TableDefinition, text: impl Fn(&Column) -> String) -> String {
    let all: Vec<_> = table.key.iter().chain(table.columns).map(text).collect();
    all.join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
