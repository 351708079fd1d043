//! A topic and a database of its own for each test.

use event_store::journal::migrate::migrate;
use kafka::KafkaOptions;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use uuid::Uuid;

fn server(variable: &str) -> String {
    std::env::var(variable).expect("run ./dev test, which starts the servers")
}

/// Options for a new topic.
pub(crate) fn topic() -> KafkaOptions {
    KafkaOptions {
        brokers: server("CODING_AGENT_TEST_KAFKA"),
        topic: format!("test-{}", Uuid::new_v4()),
        partitions: 4,
        ..KafkaOptions::default()
    }
}

/// Options for a new topic that the guard looks at all the time.
pub(crate) fn watched_topic() -> KafkaOptions {
    KafkaOptions {
        guard_interval_ms: 100,
        ..topic()
    }
}

/// An empty database with schema `journal`.
pub(crate) async fn database() -> PgPool {
    let admin = server("CODING_AGENT_TEST_POSTGRES");
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    let pool = PgPoolOptions::new()
        .max_connections(6)
        .connect(&format!("{server}/{name}"))
        .await
        .unwrap();
    migrate(&pool).await.unwrap();
    pool
}
