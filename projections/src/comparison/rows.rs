//! Row by row.

use futures::TryStreamExt as _;
use sqlx::AssertSqlSafe;

use super::ranges::KeyRange;
use super::{Side, TableShape};
use crate::error::ProjectionError;

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

/// Goes through a range of both copies in the order of their keys and hands every difference over.
pub async fn differences(
    shape: &TableShape,
    range: &KeyRange,
    left: &mut Side<'_>,
    right: &mut Side<'_>,
    mut each: impl FnMut(RowDifference) + Send,
) -> Result<(), ProjectionError> {
    type Keyed = (String, String);
    let (left_sql, right_sql) = (by_key(left.schema, shape, range), by_key(right.schema, shape, range));
    let mut left_rows = sqlx::query_as::<_, Keyed>(AssertSqlSafe(left_sql)).fetch(&mut *left.connection);
    let mut right_rows = sqlx::query_as::<_, Keyed>(AssertSqlSafe(right_sql)).fetch(&mut *right.connection);
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
fn by_key(schema: &str, shape: &TableShape, range: &KeyRange) -> String {
    format!(
        "select jsonb_build_array({})::text collate \"C\", jsonb_build_object({})::text from {} as t where {} order by 1",
        shape.key_columns(),
        shape.members(),
        shape.within(schema),
        range.condition(shape)
    )
}
