//! Read your write on an idle system: from sending a command until an answer of GraphQL shows its effect.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::Store;
use crate::limit::postgres::SingleRows;
use crate::measurement::{Measurement, Target};
use crate::samples::Samples;
use crate::servers::Servers;
use crate::system::{Client, Installation};

const BENCH: &str = "visible";
const WARM_UP: usize = 50;
const ROUNDS: usize = 10;
const COMMANDS_A_ROUND: usize = 50;
const SHOWN_WITHIN: Duration = Duration::from_secs(10);
const P50_MS: f64 = 30.0;
const P99_MS: f64 = 100.0;

/// The limit is the same on both stores: readers are answered by `PostgreSQL`.
pub(crate) async fn run(store: Store, servers: &Servers) -> Result<Vec<Measurement>> {
    let installation = Installation::new(store, servers).await?;
    let (instance, _) = installation.start().await?;
    let mut client = Client::connect(&installation, &instance).await?;
    let mut rows = SingleRows::new(&installation.place.database_url).await?;
    for number in 0..WARM_UP {
        make_visible(&mut client, number).await?;
        rows.insert_and_select().await?;
    }
    let (mut commands, mut writes) = (Samples::default(), Samples::default());
    for round in 0..ROUNDS {
        writes.next_round();
        for _ in 0..COMMANDS_A_ROUND {
            writes.add(rows.insert_and_select().await?);
        }
        commands.next_round();
        for number in 0..COMMANDS_A_ROUND {
            commands.add(make_visible(&mut client, WARM_UP + round * COMMANDS_A_ROUND + number).await?);
        }
    }
    drop(rows);
    instance.terminate().await?;
    installation.remove().await?;

    let name = store.name();
    let limit_name = "insert and select of one row";
    Ok(vec![
        Measurement::new(BENCH, format!("{name} p50"), commands.p50(), "ms")
            .against(limit_name, writes.p50())
            .wanted(Target::Below(P50_MS)),
        Measurement::new(BENCH, format!("{name} p99"), commands.p99(), "ms")
            .against(limit_name, writes.p99())
            .wanted(Target::Below(P99_MS)),
    ])
}

async fn make_visible(client: &mut Client, number: usize) -> Result<Duration> {
    let body = client.task(number);
    let started = Instant::now();
    let task = client.send_task(&body).await?.task()?;
    while !client.shows(&task).await? {
        ensure!(started.elapsed() < SHOWN_WITHIN, "task {} is never shown", task.id);
    }
    Ok(started.elapsed())
}
