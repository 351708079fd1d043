//! Databases of their own, and a platform to import into.

use std::sync::Arc;
use std::time::Duration;

use bench::data::{PRINCIPAL, Target};
use command_api::{BODY_LIMITS, CommandApi, CommandApiOptions, router};
use event_store::EventStore;
use event_store::postgres::PostgresStore;
use event_store::snapshot::PostgresSnapshots;
use platform::http::{HttpOptions, with_standard_layers};
use platform::shutdown::Shutdown;
use platform::token::SigningKey;
use projections::{ProjectorOptions, ProjectorService};
use replay_tools::ToolOptions;
use replay_tools::history::verify::{VerifyOptions, verify};
use replay_tools::history::{HistorySources, LogSource};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use uuid::Uuid;

const PARTITIONS: u32 = 4;
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn server(variable: &str) -> String {
    std::env::var(variable).expect("run ./dev test, which starts the servers")
}

/// The URL of an empty database.
pub(crate) async fn database() -> String {
    let admin = server("CODING_AGENT_TEST_POSTGRES");
    let name = format!("test_{}", Uuid::new_v4().simple());
    let mut connection = PgConnection::connect(&admin).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut connection)
        .await
        .unwrap();
    let (server, _) = admin.rsplit_once('/').unwrap();
    format!("{server}/{name}")
}

pub(crate) async fn connect(url: &str) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(8).connect(url).await.unwrap();
    event_store::journal::migrate::migrate(&pool).await.unwrap();
    projections::migrate(&pool).await.unwrap();
    pool
}

/// An empty log in `PostgreSQL`.
pub(crate) async fn empty_log() -> Target {
    let pool = connect(&database().await).await;
    let store = PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap();
    let store = Arc::new(store);
    Target { store, pool }
}

/// Takes commands of the principal that the replicated ones are from, over HTTP.
pub(crate) async fn serve_commands(log: &Target) -> ToolOptions {
    let key = SigningKey::from_secret(&[7; 32]);
    let token = key.mint(PRINCIPAL, "service", PATIENCE).unwrap();
    let snapshots = Arc::new(PostgresSnapshots::new(log.pool.clone()));
    let api = CommandApi::new(log.store.clone(), snapshots, CommandApiOptions::default(), key);
    let app = with_standard_layers(router(api), &HttpOptions::default(), BODY_LIMITS);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    ToolOptions::new(url, Some(token))
}

/// Folds the log into read models; their schema.
pub(crate) async fn project(store: Arc<dyn EventStore>, pool: &PgPool) -> String {
    let service = ProjectorService::new(store.clone(), pool.clone(), ProjectorOptions::default());
    let mut progress = service.handle().watch();
    let shutdown = Shutdown::new();
    let requested = shutdown.clone();
    let projector = tokio::spawn(async move { service.run(requested).await });
    let end = store.end().await.unwrap();
    let level = progress.wait_for(|progress| store.behind(&end, &progress.cut) == 0);
    let level = tokio::time::timeout(PATIENCE, level).await.expect("level in time");
    let schema = level.unwrap().schema.clone().unwrap();
    shutdown.trigger();
    projector.await.unwrap().unwrap();
    schema
}

/// `history verify` must find nothing.
pub(crate) async fn verify_finds_nothing(log: LogSource, pool: &PgPool) {
    let sources = HistorySources {
        log,
        pool: pool.clone(),
    };
    let report = verify(&VerifyOptions::default(), &sources, &Shutdown::new())
        .await
        .unwrap();
    assert!(report.ok, "{}", report.to_text());
}
