//! Benchmarks of the released program as its users meet it: started as a process, asked over HTTP, on a database and a
//! topic of its own. Each figure stands beside what the machine itself can do, measured in the same run.
//!
//! The way in is [`run`]; each bench is one module and returns [`Measurement`]s. `./dev bench` starts the servers.

mod accept;
mod backfill;
mod limit;
mod measurement;
mod processor_time;
mod ready;
mod samples;
mod servers;
mod system;
mod visible;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::measurement::Measurement;
use crate::servers::Servers;

/// Measure the platform against the limits of this machine.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What to measure; everything when nothing is named.
    #[arg(value_enum, value_name = "NAME")]
    names: Vec<BenchName>,
    /// The form of the figures.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
    /// The history that `backfill` imports and `ready` has loaded, as `coding-agent import git` reads it.
    #[arg(long, value_name = "FILE", default_value_os_t = sample())]
    history: PathBuf,
    /// How often `backfill` is done on each store; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Only on this store.
    #[arg(long, value_enum)]
    store: Option<Store>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BenchName {
    /// Commands a second of an import, and how soon the read models are level.
    Backfill,
    /// How long one command alone takes.
    Accept,
    /// How long until GraphQL shows the effect of a command.
    Visible,
    /// How soon the program is ready with a history loaded, and the memory that it holds.
    Ready,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum OutputFormat {
    /// A table.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    Postgresql,
    Kafka,
}

impl Store {
    /// As configuration spells it.
    fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Kafka => "kafka",
        }
    }
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    // One thread: a client that answers itself across threads would measure its own wake-ups.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(arguments))
}

async fn run(arguments: &Arguments) -> Result<()> {
    let servers = Servers::of_environment()?;
    let named = &arguments.names;
    if arguments.output == OutputFormat::Text {
        println!("{}", measurement::TABLE_HEAD);
    }
    for bench in BenchName::value_variants() {
        if !named.is_empty() && !named.contains(bench) {
            continue;
        }
        for store in Store::value_variants() {
            if arguments.store.is_none_or(|only| only == *store) {
                for measurement in measure(*bench, *store, &servers, arguments).await? {
                    print(&measurement, arguments.output)?;
                }
            }
        }
    }
    Ok(())
}

async fn measure(bench: BenchName, store: Store, servers: &Servers, arguments: &Arguments) -> Result<Vec<Measurement>> {
    match bench {
        BenchName::Backfill => backfill::run(store, servers, &arguments.history, arguments.rounds).await,
        BenchName::Accept => accept::run(store, servers).await,
        BenchName::Visible => visible::run(store, servers).await,
        BenchName::Ready => ready::run(store, servers, &arguments.history).await,
    }
}

fn print(measurement: &Measurement, output: OutputFormat) -> Result<()> {
    match output {
        OutputFormat::Text => println!("{}", measurement.table_row()),
        OutputFormat::Json => println!("{}", serde_json::to_string(measurement)?),
    }
    Ok(())
}

fn sample() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../samples/svix__svix-webhooks.jsonl.gz"
    ))
}
