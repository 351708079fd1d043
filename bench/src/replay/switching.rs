//! Promoting a rebuilt generation and going back, by the program's own commands, while clients query without a rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::BENCH;
use super::fold::wait_until_level;
use crate::filled_log::FilledLog;
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::Samples;
use crate::system::{Client, Installation};

const CLIENTS: u64 = 4;
const QUERIES_A_SECOND: u64 = 200;
const SWITCHES: usize = 10;
const PAUSE: Duration = Duration::from_secs(1);
const LEVEL_EVERY: Duration = Duration::from_millis(200);
const LEVEL_WITHIN: Duration = Duration::from_mins(30);
const MILLISECONDS: f64 = 100.0;

/// What `projections rebuild` answers.
#[derive(Deserialize)]
struct Asked {
    generation: String,
}

/// What `promote` and `rollback` answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Promotion {
    serving: String,
    held_ms: u64,
}

#[derive(Default)]
struct Queries {
    ending: AtomicBool,
    answered: AtomicU64,
    failed: AtomicU64,
}

pub(super) async fn run(log: &FilledLog) -> Result<Vec<Measurement>> {
    let installation = &log.installation;
    let (instance, _) = installation.start().await?;
    let mut client = Client::connect(installation, &instance).await?;
    client.wait_level_within(LEVEL_EVERY, LEVEL_WITHIN).await?;
    let asked: Asked = ask(installation, &["projections", "rebuild", "--output", "json"]).await?;
    wait_until_level(&log.pool, &asked.generation).await?;

    let queries = Arc::new(Queries::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let client = Client::connect(installation, &instance).await?;
        clients.spawn(query(client, queries.clone()));
    }
    let started = Instant::now();
    let (mut commands, mut held) = (Samples::default(), Samples::default());
    for number in 0..SWITCHES {
        sleep(PAUSE).await;
        let promote = ["projections", "promote", asked.generation.as_str(), "--output", "json"];
        let rollback = ["projections", "rollback", "--output", "json"];
        let is_promotion = number % 2 == 0;
        let began = Instant::now();
        let done: Promotion = ask(
            installation,
            if is_promotion {
                promote.as_slice()
            } else {
                rollback.as_slice()
            },
        )
        .await?;
        commands.add(began.elapsed());
        held.add(Duration::from_millis(done.held_ms));
        let serves = done.serving == asked.generation;
        ensure!(serves == is_promotion, "{} serves after switch {number}", done.serving);
    }
    sleep(PAUSE).await;
    queries.ending.store(true, Ordering::Relaxed);
    let seconds = started.elapsed().as_secs_f64();
    while let Some(ended) = clients.join_next().await {
        ended?;
    }
    instance.terminate().await?;
    let (answered, failed) = (&queries.answered, &queries.failed);
    let (answered, failed) = (answered.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    Ok(vec![
        Measurement::new(BENCH, "promote and rollback, the command, p50", commands.p50(), "ms"),
        Measurement::new(BENCH, "promote and rollback, the command, p99", commands.p99(), "ms")
            .wanted(Target::Below(MILLISECONDS)),
        Measurement::new(BENCH, "promote and rollback, rows held, p99", held.p99(), "ms"),
        Measurement::new(BENCH, "queries meanwhile", as_float(answered) / seconds, "queries/s")
            .wanted(Target::AtLeast(as_float(QUERIES_A_SECOND) * 0.95)),
        Measurement::new(BENCH, "queries that failed", as_float(failed), "queries").wanted(Target::AtMost(0.0)),
    ])
}

async fn ask<Answer: serde::de::DeserializeOwned>(installation: &Installation, arguments: &[&str]) -> Result<Answer> {
    let output = installation.program(arguments)?.output().await?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {errors}", arguments.join(" "));
    serde_json::from_slice(&output.stdout).with_context(|| format!("the answer to {}", arguments.join(" ")))
}

/// One client at an even pace.
async fn query(mut client: Client, queries: Arc<Queries>) {
    let request = json!({ "query": "{ tasks(first: 10) { nodes { id title status } } }" });
    let mut ticks = interval(Duration::from_millis(1_000 * CLIENTS / QUERIES_A_SECOND));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !queries.ending.load(Ordering::Relaxed) {
        ticks.tick().await;
        let answer = client.query(&request).await;
        let shows = |answer: &serde_json::Value| answer["data"]["tasks"]["nodes"].as_array().map_or(0, Vec::len) == 10;
        let counter = match answer {
            Ok(answer) if shows(&answer) => &queries.answered,
            Ok(_) | Err(_) => &queries.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
