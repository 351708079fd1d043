//! The store on Apache Kafka with its journal in PostgreSQL keeps every rule.

use std::sync::Arc;

use event_store::EventStore;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::conformance::Subject;
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log_store::{Journaler, LogStore, LogStoreOptions, open_log};
use kafka::{KafkaLog, KafkaOptions};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// A node as a process of its own would open it.
async fn node(options: KafkaOptions, pool: PgPool) -> Arc<dyn EventStore> {
    let log = Arc::new(KafkaLog::open(options).await.unwrap());
    let pin = open_log(&*log, DEFAULT_WINDOW).await.unwrap();
    let journal = PostgresJournal::open(pool, LogKind::Log, pin.log_id, pin.partitions)
        .await
        .unwrap();
    let journal = Arc::new(journal);
    tokio::spawn(Journaler::new(log.clone(), journal.clone(), &pin).run(CancellationToken::new()));
    Arc::new(
        LogStore::start(log, journal, &pin, LogStoreOptions::default())
            .await
            .unwrap(),
    )
}

async fn subject() -> Subject {
    let (options, pool) = (crate::servers::topic(), crate::servers::database().await);
    let store = node(options.clone(), pool.clone()).await;
    Subject {
        store,
        reopen: Box::new(move || Box::pin(node(options.clone(), pool.clone()))),
    }
}

event_store::conformance_suite!(subject());
