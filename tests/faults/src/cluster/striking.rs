//! What each nemesis does, and how it is undone.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::task::spawn_blocking;
use xtask::services::postgres::PrivatePostgres;
use xtask::services::process::Signal;

use super::{Cluster, locked};
use crate::link::{Disturbance, Link};
use crate::nemesis::Nemesis;
use crate::schedule::Strike;

/// How long the controllers may be without a leader before another broker is taken.
const CONTROLLER_PATIENCE: Duration = Duration::from_secs(5);
/// How long `PostgreSQL` may take to recover when its disk has room again.
const RECOVERY_PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(100);
/// Shortest delay of a link, in milliseconds, and how much longer the longest is.
const DELAY: (u64, u64) = (20, 380);
/// Largest jump of a clock, in seconds, to either side.
const JUMP: i64 = 3_600;

/// A nemesis at work.
#[derive(Debug)]
pub struct Inflicted {
    /// Which.
    pub nemesis: Nemesis,
    /// On what, for people.
    pub what: String,
    undo: Undo,
}

#[derive(Debug)]
enum Undo {
    StartBroker(u16),
    ResumeBroker(u16),
    ReviveNode(usize),
    ResumeNode(usize),
    StartPostgres,
    ResumePostgres,
    FreeDisk,
    KafkaLinks,
    PostgresLinks,
    RightClock(usize),
}

impl Cluster {
    /// Lets a nemesis strike.
    pub async fn strike(&self, strike: &Strike) -> Result<Inflicted> {
        let nemesis = strike.nemesis;
        let dice = usize::try_from(strike.dice)?;
        let (what, undo) = match nemesis {
            Nemesis::BrokerKill => self.hit_broker(1 + u16::try_from(strike.dice % 3)?, true).await?,
            Nemesis::BrokerPause => self.hit_broker(1 + u16::try_from(strike.dice % 3)?, false).await?,
            Nemesis::ControllerKill => self.hit_broker(self.controller().await?, true).await?,
            Nemesis::ControllerPause => self.hit_broker(self.controller().await?, false).await?,
            Nemesis::NodeKill => {
                let number = dice % self.nodes.len();
                self.node(number)?.kill()?;
                (format!("node {number}"), Undo::ReviveNode(number))
            }
            Nemesis::NodePause => {
                let number = dice % self.nodes.len();
                self.node(number)?.signal(Signal::STOP)?;
                (format!("node {number}"), Undo::ResumeNode(number))
            }
            Nemesis::PostgresRestart => {
                blocking(&self.postgres, PrivatePostgres::stop).await?;
                ("in order".to_owned(), Undo::StartPostgres)
            }
            Nemesis::PostgresKill => {
                blocking(&self.postgres, PrivatePostgres::kill).await?;
                ("all processes".to_owned(), Undo::StartPostgres)
            }
            Nemesis::PostgresPause => {
                blocking(&self.postgres, |server| server.pause()).await?;
                ("all processes".to_owned(), Undo::ResumePostgres)
            }
            Nemesis::PostgresDiskFull => {
                let disk = Arc::clone(self.disk.as_ref().context("there is no small disk")?);
                spawn_blocking(move || disk.fill()).await??;
                ("no byte free".to_owned(), Undo::FreeDisk)
            }
            Nemesis::KafkaDelay
            | Nemesis::KafkaCut
            | Nemesis::KafkaSwallowAnswers
            | Nemesis::KafkaCutAtAnswer
            | Nemesis::KafkaBlackHole => {
                let what = disturb(&self.kafka_links, strike, "broker", 1);
                (what, Undo::KafkaLinks)
            }
            Nemesis::PostgresDelay
            | Nemesis::PostgresCut
            | Nemesis::PostgresSwallowAnswers
            | Nemesis::PostgresCutAtAnswer => {
                let what = disturb(&self.postgres_links, strike, "node", 0);
                (what, Undo::PostgresLinks)
            }
            Nemesis::ClockJump => {
                let number = dice % self.nodes.len();
                let seconds = i64::from(strike.dice) % (2 * JUMP) - JUMP;
                self.set_clock(number, seconds)?;
                (format!("node {number} by {seconds:+} s"), Undo::RightClock(number))
            }
        };
        Ok(Inflicted { nemesis, what, undo })
    }

    /// Undoes what a nemesis did; returns when the process that was away is there again.
    pub async fn heal(&self, inflicted: &Inflicted) -> Result<()> {
        match inflicted.undo {
            Undo::StartBroker(number) => blocking(&self.kafka, move |kafka| kafka.restart(number)).await,
            Undo::ResumeBroker(number) => locked(&self.kafka).resume(number),
            Undo::ReviveNode(number) => self.node(number)?.revive(),
            Undo::ResumeNode(number) => self.node(number)?.signal(Signal::CONT),
            Undo::StartPostgres => blocking(&self.postgres, PrivatePostgres::start_again).await,
            Undo::ResumePostgres => locked(&self.postgres).resume(),
            Undo::FreeDisk => self.free_disk().await,
            Undo::KafkaLinks => {
                self.kafka_links.iter().for_each(|link| link.disturb(Disturbance::None));
                Ok(())
            }
            Undo::PostgresLinks => {
                self.postgres_links
                    .iter()
                    .for_each(|link| link.disturb(Disturbance::None));
                Ok(())
            }
            Undo::RightClock(number) => self.set_clock(number, 0),
        }
        .with_context(|| format!("{} ({}) cannot be healed", inflicted.nemesis.name(), inflicted.what))
    }

    async fn hit_broker(&self, number: u16, kills: bool) -> Result<(String, Undo)> {
        if kills {
            blocking(&self.kafka, move |kafka| kafka.kill(number)).await?;
            Ok((format!("broker {number}"), Undo::StartBroker(number)))
        } else {
            locked(&self.kafka).pause(number)?;
            Ok((format!("broker {number}"), Undo::ResumeBroker(number)))
        }
    }

    /// The active controller; while there is none, it is waited for.
    async fn controller(&self) -> Result<u16> {
        let deadline = Instant::now() + CONTROLLER_PATIENCE;
        loop {
            if let Some(number) = blocking(&self.kafka, |kafka| Ok(kafka.controller())).await? {
                return Ok(number);
            }
            if Instant::now() >= deadline {
                bail!("the brokers have no active controller after {CONTROLLER_PATIENCE:?}");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A server that has given up meanwhile is started again.
    async fn free_disk(&self) -> Result<()> {
        self.disk.as_ref().context("there is no small disk")?.free()?;
        let deadline = Instant::now() + RECOVERY_PATIENCE;
        loop {
            let running = blocking(&self.postgres, |server| Ok(server.is_running())).await?;
            if running && sqlx::query("select 1").execute(&self.pool).await.is_ok() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("PostgreSQL does not answer {RECOVERY_PATIENCE:?} after its disk was freed");
            }
            if !running {
                // It may still be in the hands of its own recovery; then the next look decides.
                drop(blocking(&self.postgres, PrivatePostgres::start_again).await);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn set_clock(&self, number: usize, seconds: i64) -> Result<()> {
        let clock = self
            .node(number)?
            .clock()
            .context("nodes have the clock of the machine")?;
        clock.jump(seconds)
    }

    fn node(&self, number: usize) -> Result<&super::Node> {
        self.nodes
            .get(number)
            .with_context(|| format!("there is no node {number}"))
    }
}

/// One of the links or all of them, by the dice.
fn disturb(links: &[Link], strike: &Strike, kind: &str, first: usize) -> String {
    let dice = strike.dice as usize;
    let disturbance = match strike.nemesis {
        Nemesis::KafkaCut | Nemesis::PostgresCut => Disturbance::Cut,
        Nemesis::KafkaSwallowAnswers | Nemesis::PostgresSwallowAnswers => Disturbance::SwallowAnswers,
        Nemesis::KafkaCutAtAnswer | Nemesis::PostgresCutAtAnswer => Disturbance::CutAtAnswer,
        Nemesis::KafkaBlackHole => Disturbance::BlackHole,
        _ => Disturbance::Delay(Duration::from_millis(DELAY.0 + u64::from(strike.dice) / 7 % DELAY.1)),
    };
    let chosen = dice % (links.len() + 1);
    for (index, link) in links.iter().enumerate() {
        if chosen == links.len() || chosen == index {
            link.disturb(disturbance);
        }
    }
    let whom = if chosen == links.len() {
        format!("every {kind}")
    } else {
        format!("{kind} {}", chosen + first)
    };
    match disturbance {
        Disturbance::Delay(delay) => format!("{whom}, {} ms each way", delay.as_millis()),
        _ => whom,
    }
}

async fn blocking<S: Send + 'static, T: Send + 'static>(
    server: &Arc<Mutex<S>>,
    work: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
) -> Result<T> {
    let server = Arc::clone(server);
    spawn_blocking(move || work(&mut locked(&server))).await?
}
