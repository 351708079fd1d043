//! A node of the log store in this process, opened as the program opens it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::codec::Pin;
use event_store::journal::Journal as _;
use event_store::journal::migrate::migrate;
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log::Log;
use event_store::log_store::{Journaler, JournalerError, LogStore, LogStoreOptions, open_log};
use event_store::{Cut, EventStore as _};
use kafka::{KafkaLog, KafkaOptions};
use platform::config::{Environment, load};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::servers::Place;

/// As the program has by default.
const CONNECTIONS: u32 = 24;
const AUTHOR: &str = "127.0.0.1:5000";
const JOURNALED_WITHIN: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What is read of the environment, as the program does: `CODING_AGENT__KAFKA__LINGER_MS=1 ./dev bench append` tells what a
/// setting brings.
#[derive(Serialize, Deserialize)]
struct Settings {
    #[serde(default)]
    kafka: KafkaOptions,
}

fn settings() -> Result<Settings> {
    Ok(load("", None, &Environment::of_process("CODING_AGENT__")?, &[])?)
}

/// A log on Kafka with a journal, and nobody at work on them.
pub(crate) struct OpenedLog {
    log: Arc<dyn Log>,
    journal: Arc<PostgresJournal>,
    pool: PgPool,
    pin: Pin,
}

/// A node, following the log.
pub(crate) struct LogNode {
    pub(crate) store: Arc<LogStore>,
    opened: OpenedLog,
}

/// A journaler at work.
pub(crate) struct RunningJournaler {
    stop: CancellationToken,
    task: JoinHandle<Result<(), JournalerError>>,
}

impl OpenedLog {
    /// Opens the topic of one place with the database of another, or of the same.
    pub(crate) async fn open(topic_of: &Place, database_of: &Place) -> Result<Self> {
        let options = KafkaOptions {
            brokers: topic_of.brokers.clone(),
            topic: topic_of.topic.clone(),
            ..settings()?.kafka
        };
        Self::on(options, connect(&database_of.database_url).await?).await
    }

    /// Opens the topic that the options name, with a database whose journal is up to date.
    pub(crate) async fn on(options: KafkaOptions, pool: PgPool) -> Result<Self> {
        let log: Arc<dyn Log> = Arc::new(KafkaLog::open(options).await?);
        let pin = open_log(&*log, DEFAULT_WINDOW).await?;
        let journal = PostgresJournal::open(pool.clone(), LogKind::Log, pin.log_id, pin.partitions).await?;
        Ok(Self {
            log,
            journal: Arc::new(journal),
            pool,
            pin,
        })
    }

    pub(crate) fn start_journaler(&self) -> RunningJournaler {
        let stop = CancellationToken::new();
        let journaler = Journaler::new(Arc::clone(&self.log), self.journal.clone(), &self.pin);
        RunningJournaler {
            task: tokio::spawn(journaler.run(stop.clone())),
            stop,
        }
    }

    /// Waits until the journal has everything up to `end`.
    pub(crate) async fn wait_until_journaled(&self, end: &Cut) -> Result<Duration> {
        let started = Instant::now();
        loop {
            let checkpoints = self.journal.checkpoints().await?;
            let level = (0_u32..)
                .zip(&checkpoints)
                .all(|(partition, checkpoint)| checkpoint.next_offset >= end.next(partition));
            if level {
                return Ok(started.elapsed());
            }
            ensure!(started.elapsed() < JOURNALED_WITHIN, "the journal is not level in time");
            sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn close(self) {
        close(&self.pool).await;
    }
}

impl LogNode {
    /// A node on the log of a place.
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        Self::start(OpenedLog::open(place, place).await?).await
    }

    pub(crate) async fn start(opened: OpenedLog) -> Result<Self> {
        let options = LogStoreOptions {
            author: AUTHOR.to_owned(),
            ..LogStoreOptions::default()
        };
        let store = LogStore::start(opened.log.clone(), opened.journal.clone(), &opened.pin, options).await?;
        Ok(Self {
            store: Arc::new(store),
            opened,
        })
    }

    pub(crate) fn start_journaler(&self) -> RunningJournaler {
        self.opened.start_journaler()
    }

    /// Records that the journal does not have yet.
    pub(super) async fn journal_lag(&self) -> Result<u64> {
        let end = self.store.end().await?;
        let checkpoints = self.opened.journal.checkpoints().await?;
        let journaled = (0_u32..).zip(checkpoints.iter().map(|checkpoint| checkpoint.next_offset));
        Ok(end.ahead_of(&journaled.collect()))
    }

    /// Waits until the journal has everything that was appended before this call.
    pub(crate) async fn wait_until_journaled(&self) -> Result<Duration> {
        let end = self.store.end().await?;
        self.opened.wait_until_journaled(&end).await
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.opened.pool
    }

    pub(crate) async fn close(self) {
        drop(self.store);
        self.opened.close().await;
    }
}

impl RunningJournaler {
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        self.task.await.context("the journaler panicked")??;
        Ok(())
    }
}

/// A pool as the program has one, on a database whose journal is up to date.
pub(crate) async fn connect(database_url: &str) -> Result<PgPool> {
    let to: PgConnectOptions = database_url.parse()?;
    let port = to.get_port();
    let options = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .after_connect(move |_, _| {
            // As the program does; where it is not allowed, both are slower.
            let _not_allowed = platform::no_delay::on_connections_to(port);
            Box::pin(async { Ok(()) })
        })
        .test_before_acquire(false);
    let pool = options.connect_with(to).await?;
    migrate(&pool).await?;
    Ok(pool)
}

/// Waits a moment for connections that are in use; the database is dropped by force anyway.
pub(crate) async fn close(pool: &PgPool) {
    const PATIENCE: Duration = Duration::from_secs(2);
    let _left_open = tokio::time::timeout(PATIENCE, pool.close()).await;
}
