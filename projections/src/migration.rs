//! The tables of schema `control`, which outlive every generation.

use event_store::journal::migrate::is_up_to_date;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr as _};

use crate::error::ProjectionError;

/// Brings schema `control` up to date. Several processes may do so at once: sqlx takes an advisory lock.
pub async fn migrate(pool: &PgPool) -> Result<(), ProjectionError> {
    let migrator = migrator();
    if is_up_to_date(pool, "control", &migrator).await {
        return Ok(());
    }
    let mut connection = pool.acquire().await?;
    // The lock belongs to the session; a failed migration must not leave it with a connection of the pool.
    connection.close_on_drop();
    Ok(migrator.run_direct(None, &mut *connection, false).await?)
}

/// By number; each is run once, and none is changed afterwards.
const MIGRATIONS: [(i64, &str, &str); 7] = [
    (
        1,
        "generations",
        include_str!("../../migrations/control/0001_generations.sql"),
    ),
    (
        2,
        "rebuilds",
        include_str!("../../migrations/control/0002_rebuilds.sql"),
    ),
    (
        3,
        "leases and parking",
        include_str!("../../migrations/control/0003_leases_and_parking.sql"),
    ),
    (
        4,
        "time travel",
        include_str!("../../migrations/control/0004_time_travel.sql"),
    ),
    (
        5,
        "proof and models",
        include_str!("../../migrations/control/0005_proof_and_models.sql"),
    ),
    (
        6,
        "query load",
        include_str!("../../migrations/control/0006_query_load.sql"),
    ),
    (7, "changes", include_str!("../../migrations/control/0007_changes.sql")),
];

/// The migrations that this version knows, in their order: for those who only look.
pub fn migration_versions() -> Vec<i64> {
    (1..).zip(MIGRATIONS).map(|(version, _)| version).collect()
}

fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(MIGRATIONS.into_iter().map(migration).collect());
    // Schema `journal` has a migrator and a list of its own in the same database.
    migrator.create_schema("control");
    migrator.dangerous_set_table_name("control._sqlx_migrations");
    migrator
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn every_file_of_the_folder_is_run() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/control");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<String> = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
        let mut run: Vec<&str> = MIGRATIONS.iter().map(|(_, _, sql)| *sql).collect();
        files.sort();
        run.sort_unstable();
        assert_eq!(files, run);
    }
}
