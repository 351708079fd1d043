//! The roles, put together: each a service with its tasks and routes, all behind one listener.

use std::sync::Arc;
use std::time::Duration;

use admin_api::AdminApi;
use anyhow::Context as _;
use axum::Router;
use command_api::CommandApi;
use event_store::EventStore;
use event_store::snapshot::PostgresSnapshots;
use platform::health::Health;
use platform::http::{ServeLimits, serve, with_standard_layers};
use platform::shutdown::{Shutdown, Supervisor};
use platform::token::SigningKey;
use projections::change_feed::ChangeFeed;
use projections::{ProjectorHandle, ProjectorService};
use query_api::commands::NotConfigured;
use query_api::{Commands, CommandsOverHttp, QueryApi};
use replay_tools::generations::GenerationsSources;
use replay_tools::history::export::ExportedStore;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::commands_in_process::CommandsInProcess;
use crate::log::{self, OpenedLog};
use crate::log_command::{self, LogCommand};
use crate::settings::Settings;
use crate::status_route::{self, StatusRoute};

/// Which services this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Roles {
    command_api: bool,
    query_api: bool,
    projector: bool,
}

impl Roles {
    pub(crate) const ALL: Self = Self {
        command_api: true,
        query_api: true,
        projector: true,
    };
    pub(crate) const COMMAND_API: Self = Self {
        command_api: true,
        query_api: false,
        projector: false,
    };
    pub(crate) const QUERY_API: Self = Self {
        command_api: false,
        query_api: true,
        projector: false,
    };
    pub(crate) const PROJECTOR: Self = Self {
        command_api: false,
        query_api: false,
        projector: true,
    };
}

/// Brings the schemas up to date.
pub(crate) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    migrate_schemas(&connect(settings).await?).await
}

/// Works on the log itself.
pub(crate) async fn log(command: LogCommand, settings: &Settings) -> anyhow::Result<()> {
    log_command::run(command, settings, &connect(settings).await?).await
}

/// Runs the roles until a signal or a failure.
pub(crate) async fn run(roles: Roles, settings: Settings) -> anyhow::Result<()> {
    let metrics = platform::telemetry::init(&settings.telemetry)?;
    describe_metrics();
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be handled")?;
    let key = SigningKey::load_or_create(&settings.auth.signing_key_file)?;
    // Bound first: a port that is taken must be told before anything is touched.
    let listener = TcpListener::bind(settings.http.listen).await.with_context(|| {
        format!(
            "{} cannot be listened on; is another instance running?",
            settings.http.listen
        )
    })?;
    let pool = connect(&settings).await?;
    migrate_schemas(&pool).await?;
    let OpenedLog {
        store,
        journaler,
        guard,
    } = log::open(&settings, &pool).await?;

    let health = Health::new();
    let mut supervisor = Supervisor::new(shutdown.clone());
    let mut router = Router::new().merge(health.router()).merge(metrics.router());
    let mut projector: Option<ProjectorHandle> = None;
    if roles.projector {
        if let Some(journaler) = journaler {
            supervisor.spawn("journaler", journaler.run(cancelled_by(&shutdown)));
        }
        let followed: Arc<dyn EventStore> = match &settings.log.export {
            Some(export) => Arc::new(ExportedStore::open(store.clone(), export).context("log.export cannot be used")?),
            None => store.clone(),
        };
        let service = ProjectorService::new(followed, pool.clone(), settings.projections.clone())
            .reporting_to(health.register("projector"));
        projector = Some(service.handle());
        supervisor.spawn("projector", service.run(shutdown.clone()));
    }
    let mut commands: Option<Arc<dyn Commands>> = None;
    if roles.command_api {
        let snapshots = Arc::new(PostgresSnapshots::new(pool.clone()));
        let api = CommandApi::new(store.clone(), snapshots, settings.command_api.clone(), key.clone())
            .stopping_with(shutdown.clone());
        commands = Some(Arc::new(CommandsInProcess::new(api.clone())));
        router = router.merge(command_api::router(api));
    }
    if roles.query_api {
        let commands = match commands {
            Some(in_process) => in_process,
            None => commands_elsewhere(&settings)?,
        };
        let feed = ChangeFeed::new(pool.clone(), projector.clone());
        let api = QueryApi::new(pool.clone(), key.clone(), projector, settings.query_api.clone())?
            .giving_commands_to(commands)
            .stopping_with(shutdown.clone());
        supervisor.spawn("changes of read models", api.live().clone().run(feed, shutdown.clone()));
        let load = api.load().clone();
        let (told_to, until) = (pool.clone(), shutdown.clone());
        supervisor.spawn("load of queries", async move { load.report(told_to, until).await });
        router = router.merge(query_api::router(api));
    }
    // Whatever the process does: an administrator asks any of them.
    let sources = GenerationsSources {
        store: store.clone(),
        pool: pool.clone(),
        projections: settings.projections.clone(),
    };
    router = router.merge(admin_api::router(AdminApi::new(sources, key.clone(), shutdown.clone())));
    let log_kind = settings.log.kind.as_str();
    router = router.merge(status_route::router(StatusRoute {
        store: store.clone(),
        pool: pool.clone(),
        key,
        log_kind,
        guard,
    }));

    let database = health.register("database");
    supervisor.spawn(
        "database check",
        check_database(pool.clone(), database, shutdown.clone()),
    );
    let router = with_standard_layers(router, &settings.http, command_api::BODY_LIMITS);
    supervisor.spawn(
        "http",
        serve(listener, router, shutdown.clone(), ServeLimits::default()),
    );
    tracing::info!(http.listen = %settings.http.listen, store = log_kind, ?roles, "started");
    supervisor.run().await?;
    tracing::info!("stopped");
    Ok(())
}

/// The way of mutations to a process with the role command-api, when this one does not have it.
fn commands_elsewhere(settings: &Settings) -> anyhow::Result<Arc<dyn Commands>> {
    let Some(url) = &settings.query_api.commands_url else {
        tracing::warn!("mutations cannot be answered: query_api.commands_url is not set");
        return Ok(Arc::new(NotConfigured));
    };
    let patience = Duration::from_millis(settings.query_api.commands_timeout_ms);
    let commands = CommandsOverHttp::new(url, patience).context("query_api.commands_url cannot be used")?;
    Ok(Arc::new(commands))
}

/// What `/metrics` tells, told by those who count.
fn describe_metrics() {
    platform::http::describe_metrics();
    event_store::metrics::describe();
    kafka::metrics::describe();
    command_api::metrics::describe();
    projections::metrics::describe();
    query_api::metrics::describe();
    metrics::describe_gauge!(
        "postgres_connections",
        metrics::Unit::Count,
        "Connections to PostgreSQL that this process holds."
    );
}

pub(crate) async fn connect(settings: &Settings) -> anyhow::Result<PgPool> {
    let timeout = Duration::from_millis(settings.postgres.connect_timeout_ms);
    let options: PgConnectOptions = settings
        .postgres
        .url
        .expose()
        .parse()
        .context("postgres.url cannot be read")?;
    let port = options.get_port();
    PgPoolOptions::new()
        .max_connections(settings.postgres.max_connections)
        .acquire_timeout(timeout)
        .after_connect(move |_, _| {
            send_at_once(port);
            Box::pin(async { Ok(()) })
        })
        // A ping before each use is a round trip; a connection that broke fails its first statement and is repeated.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .context("the database cannot be reached (postgres.url)")
}

fn send_at_once(port: u16) {
    if let Err(error) = platform::no_delay::on_connections_to(port) {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "writes to the database may wait for acknowledgements"
        );
    }
}

pub(crate) async fn migrate_schemas(pool: &PgPool) -> anyhow::Result<()> {
    event_store::journal::migrate::migrate(pool).await?;
    projections::migrate(pool).await?;
    Ok(())
}

fn cancelled_by(shutdown: &Shutdown) -> CancellationToken {
    let token = CancellationToken::new();
    let (shutdown, cancel) = (shutdown.clone(), token.clone());
    tokio::spawn(async move {
        shutdown.requested().await;
        cancel.cancel();
    });
    token
}

/// How often the database is asked whether it is there.
const DATABASE_LOOK: Duration = Duration::from_secs(1);

async fn check_database(
    pool: PgPool,
    health: platform::health::HealthReporter,
    shutdown: Shutdown,
) -> Result<(), std::convert::Infallible> {
    while !shutdown.is_requested() {
        match sqlx::query("select 1").execute(&pool).await {
            Ok(_) => health.up(),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the database is away");
                health.down("the database does not answer");
            }
        }
        metrics::gauge!("postgres_connections").set(f64::from(pool.size()));
        tokio::select! {
            () = shutdown.requested() => break,
            () = tokio::time::sleep(DATABASE_LOOK) => {}
        }
    }
    Ok(())
}
