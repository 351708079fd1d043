//! What it costs to ask for what a command has just done, beyond the time that the projector takes: one client, one thing at a time.
//!
//! Three kinds of turn follow each other. Each makes a task and starts its clock with the answer to that. The first looks into the table
//! until the row is there: that is the projector's own lag. The second asks GraphQL with the position of the command. The third waits until
//! everything is there and asks without a position: what a query costs that waits for nothing.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::BENCH;
use super::served::Served;
use crate::measurement::{Measurement, Target};
use crate::samples::Samples;
use crate::system::{Client, CreatedTask};

const WARM_UP: usize = 30;
const ROUNDS: usize = 10;
const TURNS_A_ROUND: usize = 30;
const SHOWN_WITHIN: Duration = Duration::from_secs(10);
const ADDED_MS: f64 = 5.0;

/// Durations of the three kinds of turn.
#[derive(Default)]
struct Times {
    lag: Samples,
    fresh: Samples,
    plain: Samples,
}

pub(super) async fn run(served: &Served) -> Result<Vec<Measurement>> {
    let installation = &served.log.installation;
    let mut client = Client::connect(installation, &served.program).await?;
    let sql = format!("select exists (select from {}.task where id = $1)", served.schema);
    let mut warm_up = Times::default();
    for number in 0..WARM_UP {
        warm_up.turn(number, &mut client, &served.log.pool, &sql).await?;
    }
    let mut times = Times::default();
    for round in 0..ROUNDS {
        times.next_round();
        for turn in 0..TURNS_A_ROUND {
            let number = WARM_UP + round * TURNS_A_ROUND + turn;
            times.turn(number, &mut client, &served.log.pool, &sql).await?;
        }
    }
    let Times { lag, fresh, plain } = &times;
    Ok(vec![
        Measurement::new(BENCH, "freshness: waiting adds", fresh.p50() - lag.p50(), "ms")
            .wanted(Target::Below(ADDED_MS)),
        Measurement::new(BENCH, "freshness: query with a position p50", fresh.p50(), "ms")
            .against("the projector's own lag", lag.p50()),
        Measurement::new(BENCH, "freshness: query with a position p99", fresh.p99(), "ms")
            .against("the projector's own lag", lag.p99()),
        Measurement::new(BENCH, "freshness: query without one p50", plain.p50(), "ms"),
        Measurement::new(BENCH, "freshness: query without one p99", plain.p99(), "ms"),
    ])
}

impl Times {
    fn next_round(&mut self) {
        for samples in [&mut self.lag, &mut self.fresh, &mut self.plain] {
            samples.next_round();
        }
    }

    async fn turn(&mut self, number: usize, client: &mut Client, pool: &PgPool, sql: &str) -> Result<()> {
        let (task, accepted) = make(client, number).await?;
        self.lag.add(until_projected(pool, sql, &task, accepted).await?);

        let (task, accepted) = make(client, number).await?;
        ensure!(client.shows(&task).await?, "an answer does not cover its position");
        self.fresh.add(accepted.elapsed());

        let (task, accepted) = make(client, number).await?;
        until_projected(pool, sql, &task, accepted).await?;
        let request = json!({
            "query": "query ($id: ID!) { task(id: $id) { id title status } }",
            "variables": { "id": task.id },
        });
        let asked = Instant::now();
        let answer = client.query(&request).await?;
        self.plain.add(asked.elapsed());
        ensure!(
            answer["data"]["task"]["id"] == task.id.as_str(),
            "a task that is there is not shown"
        );
        Ok(())
    }
}

/// A task, and when it was accepted.
async fn make(client: &mut Client, number: usize) -> Result<(CreatedTask, Instant)> {
    let body = client.task(number);
    let answer = client.send_task(&body).await?;
    let accepted = Instant::now();
    Ok((answer.task()?, accepted))
}

/// Looks without a pause, so what it says is at most one look too long.
async fn until_projected(pool: &PgPool, sql: &str, task: &CreatedTask, accepted: Instant) -> Result<Duration> {
    let id: Uuid = task.id.parse().context("an id that is none")?;
    loop {
        let is_there: bool = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .bind(id)
            .fetch_one(pool)
            .await?;
        let taken = accepted.elapsed();
        if is_there {
            return Ok(taken);
        }
        ensure!(taken < SHOWN_WITHIN, "task {id} is never there");
    }
}
