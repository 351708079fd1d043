//! Other event stores on `PostgreSQL`, used as their documentation shows it: appends, each of which expects the version of its stream
//! (`./dev bench peers`), and a read model with one row a task that is rebuilt from all events (`./dev bench replay`). Once for each
//! store and measurement, on an empty database each.
//!
//! What it prints is one JSON object, a [`measure::Report`] or a [`rebuild::Report`].

mod measure;
mod rebuild;
mod with_cqrs_es;
mod with_disintegrate;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Measure another event store.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// Append events.
    Append {
        #[command(flatten)]
        store: OneStore,
        #[command(flatten)]
        plan: measure::Plan,
    },
    /// Rebuild a read model.
    Rebuild {
        #[command(flatten)]
        store: OneStore,
        #[command(flatten)]
        plan: rebuild::Plan,
    },
}

#[derive(Debug, Args)]
struct OneStore {
    /// Which one.
    #[arg(value_enum)]
    store: Store,
    /// An empty database.
    #[arg(long)]
    database: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Store {
    CqrsEs,
    Disintegrate,
}

/// Connections for a rebuild; each store takes as many as it wants.
const REBUILD_CONNECTIONS: u32 = 10;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&arguments.measurement))
}

async fn run(measurement: &Measurement) -> Result<()> {
    match measurement {
        Measurement::Append { store, plan } => {
            // A connection for each client, so that none waits for one.
            let pool = store.connect(u32::try_from(plan.clients)?).await?;
            print(&match store.store {
                Store::CqrsEs => with_cqrs_es::append(&pool, plan).await?,
                Store::Disintegrate => with_disintegrate::append(&pool, plan).await?,
            })
        }
        Measurement::Rebuild { store, plan } => {
            let pool = store.connect(REBUILD_CONNECTIONS).await?;
            let streams = plan.streams()?;
            print(&match store.store {
                Store::CqrsEs => with_cqrs_es::rebuild(&pool, streams).await?,
                Store::Disintegrate => with_disintegrate::rebuild(&pool, streams).await?,
            })
        }
    }
}

impl OneStore {
    async fn connect(&self, connections: u32) -> Result<PgPool> {
        let options = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(connections);
        // As our own store does: a ping before each use would be a round trip of its own.
        Ok(options.test_before_acquire(false).connect(&self.database).await?)
    }
}

fn print(report: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(report)?);
    Ok(())
}
