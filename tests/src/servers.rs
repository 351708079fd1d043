//! The servers that all tests share, and a place of its own on them for each test.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use std::str::FromStr as _;
use std::time::Duration;
use uuid::Uuid;

/// What the log of a system is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// The journal itself.
    Postgresql,
    /// A topic of Apache Kafka.
    Kafka,
}

impl LogKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Postgresql, Self::Kafka];

    /// As the configuration names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Kafka => "kafka",
        }
    }
}

/// The administrator's URL of the shared `PostgreSQL`.
pub(crate) fn shared_postgres() -> String {
    server("CODING_AGENT_TEST_POSTGRES")
}

/// The bootstrap servers of the shared Kafka.
pub(crate) fn shared_kafka() -> String {
    server("CODING_AGENT_TEST_KAFKA")
}

fn server(variable: &str) -> String {
    std::env::var(variable).expect("run ./dev test, which starts the servers")
}

/// Makes a database and gives its URL.
pub(crate) async fn create_database(admin: &str) -> String {
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(admin).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

/// A few connections for looking at a database from outside.
pub(crate) fn observer(url: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(3)
        .acquire_timeout(Duration::from_secs(30))
        .connect_lazy_with(PgConnectOptions::from_str(url).unwrap())
}
