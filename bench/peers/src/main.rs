//! Appends to other event stores on `PostgreSQL` as their documentation shows it: each append expects the version of its
//! stream. `./dev bench peers` runs it beside ours, once for each store and number of clients, on an empty database each.
//!
//! What it prints is one JSON object, a [`measure::Report`].

mod measure;
mod with_cqrs_es;
mod with_disintegrate;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::measure::Plan;

/// Append to another event store.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which one.
    #[arg(value_enum)]
    store: Store,
    /// An empty database.
    #[arg(long)]
    database: String,
    #[command(flatten)]
    plan: Plan,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Store {
    CqrsEs,
    Disintegrate,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run(&arguments))?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn run(arguments: &Arguments) -> Result<measure::Report> {
    let pool = connect(arguments).await?;
    match arguments.store {
        Store::CqrsEs => with_cqrs_es::run(&pool, &arguments.plan).await,
        Store::Disintegrate => with_disintegrate::run(&pool, &arguments.plan).await,
    }
}

/// A connection for each client, so that none waits for one.
async fn connect(arguments: &Arguments) -> Result<PgPool> {
    let connections = u32::try_from(arguments.plan.clients)?;
    let options = PgPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections);
    // As our own store does: a ping before each use would be a round trip of its own.
    Ok(options.test_before_acquire(false).connect(&arguments.database).await?)
}
