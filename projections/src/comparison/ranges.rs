//! Ranges of keys: so that a table in which one row differs is not read row by row.

use sqlx::AssertSqlSafe;

use super::shape::TableShape;
use super::{Side, quoted};
use crate::error::ProjectionError;

/// Rows of a range, on the side that has more of them.
pub const RANGE_ROWS: u64 = 4_096;

/// Keys from one to before another, in the order of the primary key, whose index finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// As SQL that the database has quoted.
    from: Option<String>,
    to: Option<String>,
}

impl KeyRange {
    /// Every key.
    pub const ALL: Self = Self { from: None, to: None };

    /// What holds for its rows `t`.
    pub(super) fn condition(&self, shape: &TableShape) -> String {
        let key = shape.key_columns();
        let bound = |operator: &str, bound: &Option<String>| {
            let bound = bound.as_ref();
            bound.map_or_else(|| "true".to_owned(), |bound| format!("({key}) {operator} ({bound})"))
        };
        format!("{} and {}", bound(">=", &self.from), bound("<", &self.to))
    }
}

/// Ranges that hold every key there can be, cut by the keys that are there.
pub(super) async fn of(side: &mut Side<'_>, shape: &TableShape) -> Result<Vec<KeyRange>, ProjectionError> {
    let literals: Vec<String> = shape
        .key
        .iter()
        .map(|name| format!("quote_literal(t.{}::text)", quoted(name)))
        .collect();
    let key = shape.key_columns();
    // A literal without a type takes that of the column which it is compared with.
    let sql = format!(
        "select {} from (select {key}, row_number() over (order by {key}) as place from {} as t) as t \
         where place % {RANGE_ROWS} = 1 and place > 1 order by place",
        literals.join(" || ', ' || "),
        shape.within(side.schema)
    );
    let bounds: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(&mut *side.connection)
        .await?;
    let from = std::iter::once(None).chain(bounds.iter().cloned().map(Some));
    let to = bounds.iter().cloned().map(Some).chain([None]);
    Ok(from.zip(to).map(|(from, to)| KeyRange { from, to }).collect())
}
