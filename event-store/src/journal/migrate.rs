//! Brings schema `journal` up to date.

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgPool};

use crate::error::StoreError;

static MIGRATOR: Migrator = sqlx::migrate!("../migrations/journal");

/// The migrations that this version knows, in their order: for those who only look.
pub fn versions() -> Vec<i64> {
    MIGRATOR.iter().map(|migration| migration.version).collect()
}

/// Were exactly these migrations run? One question, so that a command which is over in milliseconds need not wait for the migrator: that
/// takes a lock and asks half a dozen. Whatever is otherwise, an error too, is for the migrator to find and tell.
pub async fn is_up_to_date(pool: &PgPool, schema: &'static str, migrator: &Migrator) -> bool {
    let sql = format!("select version, checksum, success from {schema}._sqlx_migrations order by version");
    let run = sqlx::query_as::<_, (i64, Vec<u8>, bool)>(AssertSqlSafe(sql));
    let known = migrator
        .iter()
        .map(|migration| (migration.version, migration.checksum.to_vec(), true));
    run.fetch_all(pool).await.is_ok_and(|run| run.into_iter().eq(known))
}

/// Runs what is missing; several processes may do it at once (sqlx takes an advisory lock).
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    if is_up_to_date(pool, "journal", &MIGRATOR).await {
        return Ok(());
    }
    let mut connection = pool.acquire().await.map_err(|error| unavailable(&error))?;
    sqlx::raw_sql("create schema if not exists journal")
        .execute(&mut *connection)
        .await
        .ok();
    // The migrator's own table lives in the schema it describes, so that other schemas keep their own.
    sqlx::raw_sql("set search_path to journal")
        .execute(&mut *connection)
        .await
        .map_err(|error| unavailable(&error))?;
    let outcome = MIGRATOR.run(&mut *connection).await;
    sqlx::raw_sql("reset search_path")
        .execute(&mut *connection)
        .await
        .map_err(|error| unavailable(&error))?;
    outcome.map_err(|error| StoreError::Unavailable {
        reason: format!("migrating schema journal: {error}"),
    })
}

fn unavailable(error: &sqlx::Error) -> StoreError {
    super::rows::database_error(error)
}
