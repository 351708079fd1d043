//! A database of its own for each test, a log in it, and projectors over it.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use domain::{DomainEvent, EventId, StreamId, UserId};
use event_store::postgres::PostgresStore;
use event_store::{AppendToStreamOptions, Cut, EventStore, NewEvent, StreamState};
use platform::shutdown::Shutdown;
use projections::operation::RowOperations;
use projections::subject::SubjectChange;
use projections::table::TableDefinition;
use projections::{DecodedEvent, Projector, ProjectorHandle, ProjectorOptions, ProjectorService};
use serde_json::Value;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Tables of a generation.
pub(crate) const TABLES: [&str; 8] = [
    "subject",
    "conversation",
    "message",
    "task",
    "execution",
    "execution_log",
    "activity",
    "statistics",
];

const PARTITIONS: u32 = 4;
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A database with a log and the control tables.
pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) store: Arc<PostgresStore>,
    pub(crate) database: String,
}

/// An event that a test says has happened.
#[derive(Debug, Clone)]
pub(crate) struct Happened {
    pub(crate) stream: StreamId,
    pub(crate) event: DomainEvent,
    pub(crate) at: DateTime<Utc>,
}

/// A projector that runs beside the test.
pub(crate) struct Running {
    pub(crate) handle: ProjectorHandle,
    pub(crate) shutdown: Shutdown,
    pub(crate) task: JoinHandle<()>,
}

/// A projector that writes nothing: with it the fingerprint is another, so a second generation is filled from the start.
pub(crate) struct Replay(pub(crate) &'static str);

impl Projector for Replay {
    fn name(&self) -> &'static str {
        self.0
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        ""
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[]
    }

    fn project(&self, _: &SubjectChange<'_>, _: &DecodedEvent, _: &mut RowOperations) {}
}

pub(crate) fn admin_url() -> String {
    env::var("CODING_AGENT_TEST_POSTGRES").expect("run ./dev test, which starts the servers")
}

pub(crate) fn at(second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 5, 4, 10, 0, 0).unwrap() + Duration::from_secs(second.into())
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub(crate) fn user(number: u128) -> UserId {
    UserId::new(id(number))
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = format!("test_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&admin_url()).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("create database {database}")))
            .execute(&mut admin)
            .await
            .unwrap();
        let pool = connect(&database).await;
        event_store::journal::migrate::migrate(&pool).await.unwrap();
        projections::migrate(&pool).await.unwrap();
        let store = Arc::new(PostgresStore::open(pool.clone(), PARTITIONS).await.unwrap());
        Self { pool, store, database }
    }

    /// A world in which these events were projected.
    pub(crate) async fn after(events: impl IntoIterator<Item = Happened>) -> Self {
        let world = Self::new().await;
        world.append(events).await;
        world.project(ProjectorOptions::default()).await;
        world
    }

    pub(crate) async fn append(&self, events: impl IntoIterator<Item = Happened>) {
        for Happened { stream, event, at } in events {
            let encoded = domain::stored::encode(&event);
            self.append_raw(&stream, encoded.event_type, encoded.data.get(), at)
                .await;
        }
    }

    pub(crate) async fn append_raw(&self, stream: &StreamId, event_type: &str, data: &str, at: DateTime<Utc>) {
        let event = NewEvent {
            id: EventId::new(Uuid::new_v4()),
            event_type: event_type.to_owned(),
            time: at,
            data: serde_json::value::RawValue::from_string(data.to_owned()).unwrap(),
        };
        let options = AppendToStreamOptions::anonymous(StreamState::Any);
        self.store
            .append_to_stream(stream, &options, vec![event])
            .await
            .unwrap();
    }

    pub(crate) fn service(&self, options: ProjectorOptions) -> ProjectorService {
        ProjectorService::new(self.store.clone(), self.pool.clone(), options)
    }

    /// Another generation of the same read models, filled from the start.
    pub(crate) async fn replay(&self, name: &'static str, options: ProjectorOptions) -> String {
        let mut projectors = projections::read_model::all();
        projectors.push(Box::new(Replay(name)));
        let service = ProjectorService::with_projectors(self.store.clone(), self.pool.clone(), options, projectors);
        let running = run(service);
        self.level(&running).await;
        running.stop().await
    }

    /// Projects everything that is in the log; the schema of the generation.
    pub(crate) async fn project(&self, options: ProjectorOptions) -> String {
        let running = run(self.service(options));
        self.level(&running).await;
        running.stop().await
    }

    /// Waits until the projector has covered what is in the log now.
    pub(crate) async fn level(&self, running: &Running) {
        let end = self.store.end().await.unwrap();
        running.covers(&end, &*self.store).await;
    }

    pub(crate) async fn rows(&self, schema: &str, table: &str) -> Vec<Value> {
        let sql = format!("select to_jsonb(t) from {schema}.{table} t order by to_jsonb(t)::text");
        let rows: Vec<(Value,)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap();
        rows.into_iter().map(|(row,)| row).collect()
    }

    /// The rows of the first generation.
    pub(crate) async fn serving(&self, table: &str) -> Vec<Value> {
        self.rows("read_models_1", table).await
    }

    /// The only row of a table of the first generation.
    pub(crate) async fn only(&self, table: &str) -> Value {
        let mut rows = self.serving(table).await;
        assert_eq!(rows.len(), 1, "{table}: {rows:#?}");
        rows.remove(0)
    }

    /// All tables of a generation, to be compared with another.
    pub(crate) async fn everything(&self, schema: &str) -> Vec<(&'static str, Vec<Value>)> {
        let mut tables = Vec::new();
        for table in TABLES {
            tables.push((table, self.rows(schema, table).await));
        }
        tables
    }
}

/// Connects to a database of the test server.
pub(crate) async fn connect(database: &str) -> PgPool {
    connect_as(database, "test").await
}

/// Connects under a name that shows in `pg_stat_activity`.
pub(crate) async fn connect_as(database: &str, name: &str) -> PgPool {
    let options: sqlx::postgres::PgConnectOptions = admin_url().parse().unwrap();
    let options = options.database(database).application_name(name);
    PgPoolOptions::new()
        .max_connections(8)
        .connect_with(options)
        .await
        .unwrap()
}

pub(crate) fn run(service: ProjectorService) -> Running {
    let handle = service.handle();
    let shutdown = Shutdown::new();
    let requested = shutdown.clone();
    let task = tokio::spawn(async move { service.run(requested).await.unwrap() });
    Running { handle, shutdown, task }
}

impl Running {
    pub(crate) async fn covers(&self, cut: &Cut, store: &dyn EventStore) {
        let mut progress = self.handle.watch();
        let level = progress.wait_for(|progress| store.behind(cut, &progress.cut) == 0);
        let level = tokio::time::timeout(PATIENCE, level).await.is_ok();
        assert!(level, "not level: {:?}", self.handle.progress());
    }

    /// Waits until the projector says something about itself.
    pub(crate) async fn until(&self, wanted: impl FnMut(&projections::GenerationProgress) -> bool) {
        let mut progress = self.handle.watch();
        let reached = tokio::time::timeout(PATIENCE, progress.wait_for(wanted)).await.is_ok();
        assert!(reached, "not reached: {:?}", self.handle.progress());
    }

    /// Ends it in good order; the schema it wrote, empty when it ended before it knew one.
    pub(crate) async fn stop(self) -> String {
        self.shutdown.trigger();
        self.task.await.unwrap();
        self.handle.progress().schema.unwrap_or_default()
    }

    /// Ends it wherever it is, as a crash would.
    pub(crate) async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}
