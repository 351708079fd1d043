//! Brings schema `journal` up to date.

use sqlx::PgPool;
use sqlx::migrate::Migrator;

use crate::error::StoreError;

static MIGRATOR: Migrator = sqlx::migrate!("../migrations/journal");

/// The migrations that this version knows, in their order: for those who only look.
pub fn versions() -> Vec<i64> {
    MIGRATOR.iter().map(|migration| migration.version).collect()
}

/// Runs what is missing; several processes may do it at once (sqlx takes an advisory lock).
pub async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
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
