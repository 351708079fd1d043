//! The logs of a replay, made when the first case asks for them.

use anyhow::{Context as _, Result};

use super::EVENTS_OF_ONE_MODEL;
use crate::filled_log::FilledLog;
use crate::servers::Servers;

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
