//! A log of real histories in a database of its own.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use event_store::EventStore;
use event_store::postgres::PostgresStore;
use replay_tools::OutputFormat;
use replay_tools::progress::{self, Meter};
use sqlx::PgPool;

use crate::Store;
use crate::append::connect;
use crate::data::{Histories, Target, replicate};
use crate::servers::{PARTITIONS, Servers};
use crate::system::Installation;

/// A log in a database of its own, and what the program needs to work on it.
pub(crate) struct FilledLog {
    pub(crate) installation: Installation,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) pool: PgPool,
    pub(crate) events: u64,
}

impl FilledLog {
    /// Makes it; what the program needs is migrated, and no projector has run.
    pub(crate) async fn make(servers: &Servers, events: u64) -> Result<Self> {
        let installation = Installation::new(Store::Postgresql, servers).await?;
        let pool = connect(&installation.place.database_url).await?;
        projections::migrate(&pool).await?;
        let store = PostgresStore::open(pool.clone(), PARTITIONS.unsigned_abs()).await?;
        let log = Self {
            installation,
            store: Arc::new(store),
            pool,
            events,
        };
        let histories = Histories::read(&[crate::sample()])?;
        let target = Target {
            store: log.store.clone(),
            pool: log.pool.clone(),
        };
        let meter = Meter::default();
        tokio::select! {
            made = replicate(&histories, events, &target, &meter) => made?,
            () = progress::show(OutputFormat::Text, &meter) => anyhow::bail!("the progress cannot be shown"),
        };
        // As in a log that has grown for long.
        sqlx::query("vacuum analyze journal.events").execute(&log.pool).await?;
        sqlx::query("checkpoint").execute(&log.pool).await?;
        Ok(log)
    }

    /// The schema of the generation that serves, once a projector has made one.
    pub(crate) async fn serving_schema(&self) -> Result<String> {
        let sql =
            "select schema_name from control.serving join control.generation on generation.id = serving.generation";
        let schema = sqlx::query_scalar(sql).fetch_optional(&self.pool).await?;
        schema.context("no generation serves")
    }

    /// The database as somebody else connects to it.
    pub(crate) fn database_url(&self) -> &str {
        &self.installation.place.database_url
    }

    /// Deletes it; its instances must have ended.
    pub(crate) async fn remove(self) -> Result<()> {
        drop(self.store);
        crate::append::close(&self.pool).await;
        self.installation.remove().await
    }
}
