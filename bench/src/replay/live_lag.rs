//! From the answer to a command until its row is there, while commands come at an even pace. All of them go through one bulk request to
//! the running program; some are looked for in the database, by clients that do nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::BytesMut;
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use uuid::Uuid;

use super::BENCH;
use crate::filled_log::FilledLog;
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::Samples;
use crate::system::{Client, Installation, Instance};

const COMMANDS_A_SECOND: u64 = 2_000;
const PACE: Duration = Duration::from_millis(10);
const SECONDS: u64 = 20;
/// The first ones meet cold caches.
const WARM_UP_SECONDS: u64 = 3;
/// Every so many commands one is looked for.
const LOOKED_FOR: u64 = 40;
const LOOK_EVERY: Duration = Duration::from_millis(1);
const SHOWN_WITHIN: Duration = Duration::from_secs(30);
const LEVEL_EVERY: Duration = Duration::from_millis(500);
const LEVEL_WITHIN: Duration = Duration::from_hours(1);
const P99_MS: f64 = 60.0;

/// The members that matter of the answer to a line.
#[derive(Deserialize)]
struct Answer {
    status: u16,
    id: Option<Uuid>,
}

pub(super) async fn run(log: &FilledLog) -> Result<Vec<Measurement>> {
    let (instance, _) = log.installation.start().await?;
    let mut client = Client::connect(&log.installation, &instance).await?;
    client.wait_level_within(LEVEL_EVERY, LEVEL_WITHIN).await?;
    let schema = log.serving_schema().await?;
    let sql: Arc<str> = format!("select exists (select from {schema}.task where id = $1)").into();
    let measured = measure(&log.installation, &instance, &log.pool, &sql).await?;
    instance.terminate().await?;
    let (lag, sent_per_second) = measured;
    Ok(vec![
        Measurement::new(BENCH, "live lag p50", lag.p50(), "ms"),
        Measurement::new(BENCH, "live lag p99", lag.p99(), "ms").wanted(Target::Below(P99_MS)),
        Measurement::new(BENCH, "live lag, commands that came", sent_per_second, "events/s")
            .wanted(Target::AtLeast(as_float(COMMANDS_A_SECOND) * 0.98)),
    ])
}

async fn measure(
    installation: &Installation,
    instance: &Instance,
    pool: &PgPool,
    sql: &Arc<str>,
) -> Result<(Samples, f64)> {
    let (acknowledged, mut looks) = mpsc::unbounded_channel::<(Uuid, Instant)>();
    let looking = {
        let (pool, sql) = (pool.clone(), sql.clone());
        tokio::spawn(async move {
            let mut clients = JoinSet::new();
            while let Some((id, at)) = looks.recv().await {
                clients.spawn(lag_of(pool.clone(), sql.clone(), id, at));
            }
            let mut lag = Samples::default();
            while let Some(ended) = clients.join_next().await {
                lag.add(ended??);
            }
            Ok::<_, anyhow::Error>(lag)
        })
    };
    let total = COMMANDS_A_SECOND * (SECONDS + WARM_UP_SECONDS);
    let response = reqwest::Client::new()
        .post(format!("{}/api/commands", instance.url()))
        .bearer_auth(installation.token("service")?)
        .header("content-type", "application/x-ndjson")
        .body(reqwest::Body::wrap_stream(commands(total)))
        .send()
        .await?
        .error_for_status()?;
    let mut pieces = response.bytes_stream();
    let (mut received, mut answered, mut started) = (BytesMut::new(), 0, None);
    while let Some(piece) = timeout(SHOWN_WITHIN, pieces.next())
        .await
        .context("no answer in time")?
    {
        received.extend_from_slice(&piece?);
        let at = Instant::now();
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line = received.split_to(end + 1);
            let answer: Answer = serde_json::from_slice(&line).context("an answer that cannot be read")?;
            ensure!(answer.status == 201, "a command was refused with {}", answer.status);
            answered += 1;
            if answered <= COMMANDS_A_SECOND * WARM_UP_SECONDS {
                started = Some(at);
            } else if answered % LOOKED_FOR == 0 {
                acknowledged.send((answer.id.context("an answer without id")?, at))?;
            }
        }
    }
    ensure!(answered == total, "{answered} of {total} commands were answered");
    let window = started.context("nothing was answered")?.elapsed();
    drop(acknowledged);
    let lag = looking.await??;
    Ok((lag, as_float(COMMANDS_A_SECOND * SECONDS) / window.as_secs_f64()))
}

/// So many commands, each of which makes a task, at an even pace whatever is answered.
fn commands(total: u64) -> impl futures::Stream<Item = Result<Vec<u8>, std::convert::Infallible>> {
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let owners: Vec<Uuid> = (0..100).map(|_| Uuid::new_v4()).collect();
    let a_tick = COMMANDS_A_SECOND * u64::try_from(PACE.as_millis()).unwrap_or(1) / 1_000;
    stream::unfold((ticks, 0_u64), move |(mut ticks, sent)| {
        let owners = owners.clone();
        async move {
            if sent >= total {
                return None;
            }
            ticks.tick().await;
            let mut piece = Vec::new();
            for number in sent..(sent + a_tick).min(total) {
                let owner = usize::try_from(number)
                    .ok()
                    .and_then(|number| owners.get(number % owners.len()));
                let command = json!({
                    "command": "task.create",
                    "body": { "title": format!("Measure lag {number}"), "description": "Nobody will work on it.", "ownerId": owner },
                });
                piece.extend_from_slice(command.to_string().as_bytes());
                piece.push(b'\n');
            }
            Some((Ok(piece), (ticks, sent + a_tick)))
        }
    })
}

/// How long after it was acknowledged the row of a task is there.
async fn lag_of(pool: PgPool, sql: Arc<str>, id: Uuid, acknowledged: Instant) -> Result<Duration> {
    loop {
        let is_there: bool = sqlx::query_scalar(AssertSqlSafe(sql.as_ref()))
            .bind(id)
            .fetch_one(&pool)
            .await?;
        if is_there {
            return Ok(acknowledged.elapsed());
        }
        ensure!(acknowledged.elapsed() < SHOWN_WITHIN, "task {id} is never there");
        sleep(LOOK_EVERY).await;
    }
}
