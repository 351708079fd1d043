//! The embedded store keeps every rule.

use std::sync::Arc;

use event_store::EventStore;
use event_store::conformance::Subject;
use event_store::postgres::PostgresStore;

async fn subject() -> Subject {
    let pool = crate::database::migrated().await;
    let store: Arc<dyn EventStore> = Arc::new(PostgresStore::open(pool.clone(), 16).await.unwrap());
    let reopen = Box::new(move || {
        let pool = pool.clone();
        Box::pin(async move { Arc::new(PostgresStore::open(pool, 16).await.unwrap()) as Arc<dyn EventStore> }) as _
    });
    Subject { store, reopen }
}

event_store::conformance_suite!(subject());
