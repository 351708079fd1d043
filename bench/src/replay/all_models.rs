//! All read models, rebuilt by the program as an operator runs it: what the length of the log does to rate and memory.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use projections::{administration, read_model};
use tokio::time::sleep;

use super::BENCH;
use super::fold::wait_until_level;
use crate::cost::{self, Meter, Used};
use crate::filled_log::FilledLog;
use crate::measurement::{Measurement, Target, as_float};
use crate::servers::Servers;
use crate::system::Instance;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The longer log must reach so much of the rate of the shorter one.
const OF_SHORT: f64 = 0.85;
const MEGABYTES: f64 = 300.0;

/// A generation of everything, built from nothing.
pub(super) struct Build {
    events: u64,
    per_second: f64,
    /// The most that the program held.
    peak_megabytes: f64,
    used: Used,
}

/// The generation is asked for before any projector has run, so the program fills it as a rebuild, and lets it serve. It stays for the cases
/// that come after.
pub(super) async fn build(log: &FilledLog, servers: &Servers) -> Result<Build> {
    let schema = administration::rebuild(&log.pool, &*log.store, &read_model::all()).await?;
    let started = Instant::now();
    let (instance, _) = log.installation.start().await?;
    let meter = Meter::of(servers, "coding-agent", instance.pid()?);
    let before = meter.now();
    let mut peak_megabytes: f64 = 0.0;
    let level = tokio::select! {
        level = wait_until_level(&log.pool, &schema) => level,
        memory = watch_memory(&instance, &mut peak_megabytes) => memory.and_then(|()| anyhow::bail!("the program has ended")),
    };
    let seconds = started.elapsed().as_secs_f64();
    let used = meter.since(&before, log.events);
    instance.terminate().await?;
    level?;
    check(log, &schema).await?;
    Ok(Build {
        events: log.events,
        per_second: as_float(log.events) / seconds,
        peak_megabytes,
        used,
    })
}

async fn watch_memory(instance: &Instance, peak: &mut f64) -> Result<()> {
    loop {
        *peak = peak.max(instance.resident_megabytes()?);
        sleep(LOOK_EVERY).await;
    }
}

/// A fold that leaves something out is fast.
async fn check(log: &FilledLog, schema: &str) -> Result<()> {
    let sql = format!(
        "select (select count(*) from {schema}.activity), (select count(*) from journal.events where type not like 'task.execution-progressed.%')"
    );
    let (rows, events): (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .fetch_one(&log.pool)
        .await
        .context("the generation cannot be read")?;
    ensure!(rows == events, "{events} events, but {rows} rows of activity");
    Ok(())
}

/// The longer log beside the shorter one.
pub(super) fn rows(short: &Build, long: &Build) -> Vec<Measurement> {
    let tenth = "the same with a tenth of the events";
    let case = format!("all models, {} events", long.events);
    let mut rows = vec![
        Measurement::new(BENCH, case.as_str(), long.per_second, "events/s")
            .against(tenth, short.per_second)
            .wanted(Target::AtLeastTimesLimit(OF_SHORT)),
        Measurement::new(BENCH, format!("{case}, memory"), long.peak_megabytes, "MB")
            .against(tenth, short.peak_megabytes)
            .wanted(Target::Below(MEGABYTES)),
    ];
    rows.extend(cost::rows(BENCH, &case, &[&long.used]));
    rows
}
