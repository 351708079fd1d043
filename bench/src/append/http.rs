//! Over HTTP: the running program against the same server when it answers a constant.

use std::time::Duration;

use anyhow::Result;
use futures::future::try_join_all;

use super::{BENCH, ROUNDS};
use crate::Store;
use crate::closed_loop::{Client, Load, Turn, closed_loop};
use crate::cost::{self, Meter};
use crate::measurement::{Measurement, Target};
use crate::samples::median;
use crate::servers::Servers;
use crate::system::{Client as User, Installation, Instance, constant_answer};

const CONNECTIONS: usize = 256;
const OF_LIMIT: f64 = 0.5;
/// After each round the read models get level, so that the next one begins like the first.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Both run all the time and are loaded in turns.
pub(super) async fn run(servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    let installation = Installation::new(Store::Kafka, servers).await?;
    let (program, _) = installation.start().await?;
    let constant = constant_answer::start(&installation).await?;
    let meter = Meter::of(servers, "coding-agent", program.pid()?);
    let constant_meter = Meter::of(servers, "constant-answer", constant.pid()?);
    let (mut loads, mut limits) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        limits.push(load_on(&installation, &constant, &constant_meter, window).await?);
        loads.push(load_on(&installation, &program, &meter, window).await?);
        let mut user = User::connect(&installation, &program).await?;
        user.wait_level(LOOK_EVERY).await?;
    }
    constant.terminate().await?;
    program.terminate().await?;
    installation.remove().await?;

    let of = |loads: &[Load], figure: fn(&Load) -> f64| median(loads.iter().map(figure).collect());
    let mut rows = vec![
        Measurement::new(BENCH, "http", of(&loads, |load| load.per_second), "commands/s")
            .against(
                "the same server answering a constant",
                of(&limits, |load| load.per_second),
            )
            .wanted(Target::AtLeastTimesLimit(OF_LIMIT)),
        Measurement::new(BENCH, "http p50", of(&loads, |load| load.times.p50()), "ms"),
        Measurement::new(BENCH, "http p99", of(&loads, |load| load.times.p99()), "ms"),
    ];
    rows.extend(cost::rows(BENCH, "http", &used_by(&loads)));
    rows.extend(cost::rows(BENCH, "constant answer", &used_by(&limits)));
    Ok(rows)
}

fn used_by(loads: &[Load]) -> Vec<&cost::Used> {
    loads.iter().map(|load| &load.used).collect()
}

async fn load_on(installation: &Installation, instance: &Instance, meter: &Meter, window: Duration) -> Result<Load> {
    let users = try_join_all((0..CONNECTIONS).map(|_| User::connect(installation, instance))).await?;
    let clients = users.into_iter().map(|user| TaskCreator {
        body: user.task(CONNECTIONS),
        user,
    });
    closed_loop(clients, window, meter).await
}

/// Creates one task after another over a connection of its own.
struct TaskCreator {
    user: User,
    body: Vec<u8>,
}

impl Client for TaskCreator {
    /// Whatever is not "created" is an error: errors are answered fast.
    async fn turn(&mut self) -> Result<Turn> {
        self.user.send_task(&self.body).await?;
        Ok(Turn::Done)
    }
}
