//! Opening the log that the settings name.

use std::sync::Arc;

use anyhow::Context as _;
use event_store::EventStore;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::journal::postgres::{LogKind as JournalKind, PostgresJournal};
use event_store::log::Log;
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use event_store::postgres::PostgresStore;
use kafka::{GuardState, KafkaLog, ReadOnlyKafkaLog};
use replay_tools::history::{HistorySources, LogSource};
use sqlx::PgPool;
use tokio::sync::watch;

use crate::settings::{LogKind, Settings};

/// An open log.
pub(crate) struct OpenedLog {
    pub(crate) store: Arc<dyn EventStore>,
    /// To be run by one role at least, where the journal is not the log.
    pub(crate) journaler: Option<Journaler>,
    /// Whether the log takes writes, where somebody else could harm it.
    pub(crate) guard: Option<watch::Receiver<GuardState>>,
}

pub(crate) async fn open(settings: &Settings, pool: &PgPool) -> anyhow::Result<OpenedLog> {
    match settings.log.kind {
        LogKind::Postgresql => {
            let store = PostgresStore::open(pool.clone(), settings.log.partitions).await?;
            Ok(OpenedLog {
                store: Arc::new(store),
                journaler: None,
                guard: None,
            })
        }
        LogKind::Kafka => open_kafka(settings, pool).await,
    }
}

/// Opens log and database for those who only read: no schema is brought up to date, no topic made, nothing written.
pub(crate) async fn open_to_read(settings: &Settings, pool: PgPool) -> anyhow::Result<HistorySources> {
    let log = match settings.log.kind {
        LogKind::Postgresql => LogSource::Journal,
        LogKind::Kafka => {
            let log = ReadOnlyKafkaLog::open(settings.kafka.clone())
                .await
                .context("the log on Kafka cannot be read (kafka.brokers, kafka.topic)")?;
            LogSource::Log(Arc::new(log))
        }
    };
    Ok(HistorySources { log, pool })
}

async fn open_kafka(settings: &Settings, pool: &PgPool) -> anyhow::Result<OpenedLog> {
    let mut options = settings.kafka.clone();
    options.partitions = settings.log.partitions;
    let log = KafkaLog::open(options)
        .await
        .context("the log on Kafka cannot be opened")?;
    let guard = log.guard_state();
    let log: Arc<dyn Log> = Arc::new(log);
    let pin = open_log(&*log, DEFAULT_WINDOW).await?;
    let journal = PostgresJournal::open(pool.clone(), JournalKind::Log, pin.log_id, pin.partitions).await?;
    let journal = Arc::new(journal);
    let journaler = Journaler::new(Arc::clone(&log), journal.clone(), &pin);
    let options = LogStoreOptions {
        author: settings.http.advertised(),
        ..LogStoreOptions::default()
    };
    let store = LogStore::start(log, journal, &pin, options).await?;
    Ok(OpenedLog {
        store: Arc::new(store),
        journaler: Some(journaler),
        guard: Some(guard),
    })
}
