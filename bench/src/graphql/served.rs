//! The log, projected, with everybody at work who answers from its rows.

use std::time::Duration;

use anyhow::Result;

use crate::filled_log::FilledLog;
use crate::servers::Servers;
use crate::system::{Client, Instance, postgraphile};

const LEVEL_EVERY: Duration = Duration::from_millis(500);
const LEVEL_WITHIN: Duration = Duration::from_hours(1);

/// Everything that cases share.
pub(super) struct Served {
    pub(super) log: FilledLog,
    /// Of the generation that serves.
    pub(super) schema: String,
    /// The program with all roles.
    pub(super) program: Instance,
    /// Nothing where its packages are not there.
    pub(super) postgraphile: Option<Instance>,
}

impl Served {
    pub(super) async fn make(servers: &Servers, events: u64) -> Result<Self> {
        let log = FilledLog::make(servers, events).await?;
        let (program, _) = log.installation.start().await?;
        let mut client = Client::connect(&log.installation, &program).await?;
        client.wait_level_within(LEVEL_EVERY, LEVEL_WITHIN).await?;
        // As in a database that has worked for long: statistics for the planner, and nothing left to write.
        sqlx::query("vacuum analyze").execute(&log.pool).await?;
        sqlx::query("checkpoint").execute(&log.pool).await?;
        let schema = log.serving_schema().await?;
        let postgraphile = postgraphile::start(&log.installation, &schema).await?;
        if postgraphile.is_none() {
            eprintln!(
                "bench: PostGraphile is not there, so its targets count as missed: `./dev bench graphql` fetches it"
            );
        }
        Ok(Self {
            log,
            schema,
            program,
            postgraphile,
        })
    }

    pub(super) async fn remove(self) -> Result<()> {
        if let Some(postgraphile) = self.postgraphile {
            postgraphile.terminate().await?;
        }
        self.program.terminate().await?;
        self.log.remove().await
    }
}
