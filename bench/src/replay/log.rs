//! Logs of real histories, made when the first case asks for them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use event_store::EventStore;
use event_store::postgres::PostgresStore;
use replay_tools::OutputFormat;
use replay_tools::progress::{self, Meter};
use sqlx::PgPool;

use super::EVENTS_OF_ONE_MODEL;
use crate::Store;
use crate::append::connect;
use crate::data::{Histories, Target, replicate};
use crate::servers::{PARTITIONS, Servers};
use crate::system::Installation;

/// A log in a database of its own, and what the program needs to work on it.
pub(super) struct FilledLog {
    pub(super) installation: Installation,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) pool: PgPool,
    pub(super) events: u64,
}

/// The log of all events, and one of a tenth of them.
pub(super) struct Logs<'a> {
    servers: &'a Servers,
    events: u64,
    short: Option<FilledLog>,
    long: Option<FilledLog>,
}

impl<'a> Logs<'a> {
    pub(super) fn new(servers: &'a Servers, events: u64) -> Self {
        Self {
            servers,
            events,
            short: None,
            long: None,
        }
    }

    pub(super) async fn short(&mut self) -> Result<&FilledLog> {
        made(&mut self.short, self.servers, self.events / 10).await
    }

    pub(super) async fn long(&mut self) -> Result<&FilledLog> {
        made(&mut self.long, self.servers, self.events).await
    }

    /// The longer one, unless that is longer than one read model needs.
    pub(super) async fn of_one_model(&mut self) -> Result<&FilledLog> {
        if self.events > EVENTS_OF_ONE_MODEL {
            self.short().await
        } else {
            self.long().await
        }
    }

    pub(super) async fn remove(self) -> Result<()> {
        for log in [self.short, self.long].into_iter().flatten() {
            log.remove().await?;
        }
        Ok(())
    }
}

async fn made<'log>(place: &'log mut Option<FilledLog>, servers: &Servers, events: u64) -> Result<&'log FilledLog> {
    if place.is_none() {
        *place = Some(FilledLog::make(servers, events).await?);
    }
    place.as_ref().context("a log was just made")
}

impl FilledLog {
    async fn make(servers: &Servers, events: u64) -> Result<Self> {
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

    /// The database as somebody else connects to it.
    pub(super) fn database_url(&self) -> &str {
        &self.installation.place.database_url
    }

    async fn remove(self) -> Result<()> {
        drop(self.store);
        crate::append::close(&self.pool).await;
        self.installation.remove().await
    }
}
