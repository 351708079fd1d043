//! Any two generations, at one moment.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::{AdministrationError, hold, model};
use crate::comparison::diff::{DiffScope, DiffSide, GenerationDiff};
use crate::comparison::{Side, TEXT_SETTINGS};
use crate::read::BEGIN_SNAPSHOT;
use crate::transaction;

/// By what the generation that serves is asked for.
const SERVING: &str = "serving";

/// Compares two generations as one snapshot shows them: those that are followed, that are built, as-of and branch. `passed` is told how many of
/// how many tables are done.
pub async fn diff(
    pool: &PgPool,
    left: &str,
    right: &str,
    scope: &DiffScope,
    mut passed: impl FnMut(u64, u64) + Send,
) -> Result<GenerationDiff, AdministrationError> {
    // Rows of both sides come at once, so each needs a connection, and both the same snapshot.
    let mut one = transaction::begin_with(pool, BEGIN_SNAPSHOT).await?;
    let snapshot: String = sqlx::query_scalar("select pg_export_snapshot()")
        .fetch_one(&mut *one)
        .await?;
    let sql = format!("{BEGIN_SNAPSHOT}; set transaction snapshot '{snapshot}'");
    let mut other = transaction::begin_with(pool, AssertSqlSafe(sql)).await?;
    for connection in [&mut one, &mut other] {
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut **connection).await?;
    }
    let (left, left_schema) = find(&mut one, left).await?;
    let (right, right_schema) = find(&mut other, right).await?;
    let tables: i64 = sqlx::query_scalar("select count(distinct tablename) from pg_tables where schemaname = any($1)")
        .bind([&left_schema, &right_schema])
        .fetch_one(&mut *one)
        .await?;
    let total = if scope.tables.is_empty() {
        u64::try_from(tables).unwrap_or(0)
    } else {
        scope.tables.len() as u64
    };
    let mut begun = 0;
    let mut left_side = Side {
        connection: &mut one,
        schema: &left_schema,
    };
    let mut right_side = Side {
        connection: &mut other,
        schema: &right_schema,
    };
    let found = GenerationDiff::between((left, &mut left_side), (right, &mut right_side), scope, |_| {
        passed(begun, total);
        begun += 1;
    })
    .await?;
    other.rollback().await?;
    one.rollback().await?;
    Ok(found)
}

/// A generation by the name of its schema, of its travel, or `serving`; what it is, and its schema.
async fn find(connection: &mut PgConnection, name: &str) -> Result<(DiffSide, String), AdministrationError> {
    let found = if name == SERVING {
        let serving = model::serving_row(connection).await?;
        hold(connection, &serving.schema_name).await?
    } else {
        hold(connection, name).await?
    };
    let side = DiffSide {
        generation: name.to_owned(),
        fingerprint: found.fingerprint,
        models: found.models,
        cut: found.cut,
    };
    Ok((side, found.schema))
}
