//! One fold of a log by the projector of the product in this process, into a generation that is rebuilt: its secondary indexes come last,
//! and its time ends when it could serve.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use platform::config::{Environment, load};
use platform::shutdown::Shutdown;
use projections::projector::Projector;
use projections::{ProjectorOptions, ProjectorService, administration, read_model};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::sleep;

use crate::cost::{Meter, Used};
use crate::filled_log::FilledLog;
use crate::measurement::as_float;
use crate::servers::Servers;

const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A generation whose projector does not move for so long will not be filled.
const SILENCE: Duration = Duration::from_mins(2);

/// A generation that was filled.
pub(super) struct Fold {
    /// Events of the log, those that the model has no use for too.
    pub(super) events: u64,
    pub(super) seconds: f64,
    pub(super) schema: String,
    pub(super) used: Used,
}

/// `CODING_AGENT__PROJECTIONS__REBUILD_BATCH_EVENTS=5000 ./dev bench replay` tells what a setting brings.
#[derive(Serialize, Deserialize)]
struct Settings {
    #[serde(default)]
    projections: ProjectorOptions,
}

impl Fold {
    pub(super) fn per_second(&self) -> f64 {
        as_float(self.events) / self.seconds
    }
}

/// Rebuilds these read models; the generation stays for [`remove`].
pub(super) async fn fold(log: &FilledLog, models: &[&str], servers: &Servers) -> Result<Fold> {
    let settings: Settings = load("", None, &Environment::of_process("CODING_AGENT__")?, &[])?;
    let projectors = || -> Vec<Box<dyn Projector>> {
        let all = read_model::all().into_iter();
        all.filter(|projector| models.contains(&projector.name())).collect()
    };
    let schema = administration::rebuild(&log.pool, &*log.store, &projectors()).await?;
    let meter = Meter::of_this_process(servers);
    let shutdown = Shutdown::new();
    let (store, pool) = (log.store.clone(), log.pool.clone());
    let service = ProjectorService::with_projectors(store, pool, settings.projections, projectors());
    let (before, started) = (meter.now(), Instant::now());
    let requested = shutdown.clone();
    let projecting = tokio::spawn(async move { service.run(requested).await });
    let level = wait_until_level(&log.pool, &schema).await;
    let seconds = started.elapsed().as_secs_f64();
    let used = meter.since(&before, log.events);
    shutdown.trigger();
    projecting.await.context("the projector panicked")??;
    level?;
    Ok(Fold {
        events: log.events,
        seconds,
        schema,
        used,
    })
}

/// Waits until the generation could serve.
pub(super) async fn wait_until_level(pool: &PgPool, schema: &str) -> Result<()> {
    let (mut covered, mut moved) = (0, Instant::now());
    loop {
        let (level, now): (bool, i64) = sqlx::query_as(
            "select level_at is not null, coalesce((select sum(next_offset) from control.checkpoint where generation = id), 0)::bigint \
             from control.generation where schema_name = $1",
        )
        .bind(schema)
        .fetch_one(pool)
        .await?;
        if level {
            return Ok(());
        }
        if now > covered {
            (covered, moved) = (now, Instant::now());
        }
        ensure!(moved.elapsed() < SILENCE, "{schema} is not filled any further");
        sleep(LOOK_EVERY).await;
    }
}

/// Removes a generation, also one that serves, so that the next fold begins like this one.
pub(super) async fn remove(pool: &PgPool, schema: &str) -> Result<()> {
    let sql = format!(
        "drop schema {schema} cascade; \
         delete from control.serving where generation = (select id from control.generation where schema_name = '{schema}'); \
         delete from control.generation where schema_name = '{schema}'; \
         checkpoint"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await?;
    Ok(())
}
