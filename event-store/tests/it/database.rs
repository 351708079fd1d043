//! A database of its own for each test.

use event_store::journal::migrate::migrate;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

/// An empty database with schema `journal`.
pub(crate) async fn migrated() -> PgPool {
    let admin = std::env::var("CODING_AGENT_TEST_POSTGRES").expect("run ./dev test, which starts the servers");
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .connect(&format!("{server}/{name}"))
        .await
        .unwrap();
    migrate(&pool).await.unwrap();
    pool
}
