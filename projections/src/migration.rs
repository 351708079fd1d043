//! The tables of schema `control`, which outlive every generation.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _};

use crate::error::ProjectionError;

/// Brings schema `control` up to date. Several processes may do so at once: sqlx takes an advisory lock.
pub async fn migrate(pool: &PgPool) -> Result<(), ProjectionError> {
    let mut connection = pool.acquire().await?;
    // The lock belongs to the session; a failed migration must not leave it with a connection of the pool.
    connection.close_on_drop();
    Ok(migrator().run_direct(None, &mut *connection, false).await?)
}

fn migrator() -> Migrator {
    let generations = Migration::new(
        1,
        "generations".into(),
        MigrationType::Simple,
        include_str!("../../migrations/control/0001_generations.sql").into_sql_str(),
        false,
    );
    let rebuilds = Migration::new(
        2,
        "rebuilds".into(),
        MigrationType::Simple,
        include_str!("../../migrations/control/0002_rebuilds.sql").into_sql_str(),
        false,
    );
    let mut migrator = Migrator::with_migrations(vec![generations, rebuilds]);
    // Schema `journal` has a migrator and a list of its own in the same database.
    migrator.create_schema("control");
    migrator.dangerous_set_table_name("control._sqlx_migrations");
    migrator
}
