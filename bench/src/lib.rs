//! Benchmarks of the released program as its users meet it: started as a process, asked over HTTP, on a database and a
//! topic of its own; and of its paths of an append, opened in this process. Each figure stands beside what the machine
//! itself can do, measured in the same run.
//!
//! The way in is [`run`]; each bench is one module and returns [`Measurement`]s. `./dev bench` starts the servers.

mod accept;
mod append;
mod backfill;
mod closed_loop;
mod cost;
pub mod data;
mod filled_log;
mod graphql;
mod limit;
mod long_log;
mod measurement;
mod peers;
mod processor_time;
mod ready;
mod replay;
mod samples;
mod servers;
mod system;
mod visible;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use platform::telemetry::{TelemetryOptions, init};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::append::AppendOptions;
use crate::long_log::LongLogOptions;
use crate::measurement::Measurement;
use crate::servers::Servers;

/// Measure the platform against the limits of this machine.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What to measure; everything but `replay`, `graphql` and `peers` when nothing is named.
    #[arg(value_enum, value_name = "NAME")]
    names: Vec<BenchName>,
    /// The form of the figures.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
    /// The history that `backfill` imports and `ready` has loaded, as `coding-agent import git` reads it.
    #[arg(long, value_name = "FILE", default_value_os_t = sample())]
    history: PathBuf,
    /// How often `backfill` and `peers` are done on each store; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// Only on this store.
    #[arg(long, value_enum)]
    store: Option<Store>,
    #[command(flatten)]
    append: AppendOptions,
    #[command(flatten)]
    long_log: LongLogOptions,
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
    /// The paths of an append, each against its limit.
    Append,
    /// Rebuilds, lag, switching and what analysts do, each against its limit.
    Replay,
    /// Queries beside PostGraphile on the same tables, and beside a handler that only answers.
    Graphql,
    /// Appends of other event stores beside ours.
    Peers,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// Measures what the command line names, and prints it.
pub fn run() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    let servers = Servers::of_environment()?;
    if arguments.output == OutputFormat::Text {
        println!("{}", measurement::TABLE_HEAD);
    }
    let is_wanted = |bench: &BenchName| match arguments.names.as_slice() {
        // Peers are fetched and built by `./dev bench` when they are named, and the other two make a long log first.
        [] => !matches!(bench, BenchName::Replay | BenchName::Graphql | BenchName::Peers),
        named => named.contains(bench),
    };
    for bench in BenchName::value_variants().iter().filter(|bench| is_wanted(bench)) {
        bench.runtime()?.block_on(measure(*bench, &servers, arguments))?;
    }
    Ok(())
}

impl BenchName {
    fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::Append | Self::Replay | Self::Peers => Builder::new_multi_thread(),
            // One thread: a client that answers itself across threads would measure its own wake-ups.
            // And one that loads others leaves them the rest of the machine.
            Self::Backfill | Self::Accept | Self::Visible | Self::Ready | Self::Graphql => {
                Builder::new_current_thread()
            }
        };
        Ok(builder.enable_all().build()?)
    }
}

async fn measure(bench: BenchName, servers: &Servers, arguments: &Arguments) -> Result<()> {
    let window = arguments.append.window();
    match bench {
        BenchName::Backfill => {
            let (history, rounds) = (&arguments.history, arguments.rounds);
            on_each_store(arguments, async |store| {
                backfill::run(store, servers, history, rounds).await
            })
            .await
        }
        BenchName::Accept => on_each_store(arguments, async |store| accept::run(store, servers).await).await,
        BenchName::Visible => on_each_store(arguments, async |store| visible::run(store, servers).await).await,
        BenchName::Ready => {
            let history = &arguments.history;
            on_each_store(arguments, async |store| ready::run(store, servers, history).await).await
        }
        BenchName::Append => {
            record_metrics()?;
            for case in arguments.append.cases() {
                print(append::measure(case, servers, window).await?, arguments.output)?;
            }
            Ok(())
        }
        BenchName::Replay => {
            record_metrics()?;
            replay::run(servers, &arguments.long_log, |rows| print(rows, arguments.output)).await
        }
        BenchName::Graphql => {
            record_metrics()?;
            let print = |rows| print(rows, arguments.output);
            graphql::run(servers, &arguments.long_log, window, print).await
        }
        BenchName::Peers => {
            record_metrics()?;
            print(peers::run(servers, window, arguments.rounds).await?, arguments.output)
        }
    }
}

async fn on_each_store(arguments: &Arguments, measure: impl AsyncFn(Store) -> Result<Vec<Measurement>>) -> Result<()> {
    for store in Store::value_variants() {
        if arguments.store.is_none_or(|only| only == *store) {
            print(measure(*store).await?, arguments.output)?;
        }
    }
    Ok(())
}

/// The store counts what it does, here as in the program.
fn record_metrics() -> Result<()> {
    let _handle = init(&TelemetryOptions {
        // The drop of a large database is slow, and nobody waits for it.
        filter: "warn,sqlx::query=error".to_owned(),
        ..TelemetryOptions::default()
    })?;
    Ok(())
}

fn print(measurements: Vec<Measurement>, output: OutputFormat) -> Result<()> {
    for measurement in measurements {
        match output {
            OutputFormat::Text => println!("{}", measurement.table_row()),
            OutputFormat::Json => println!("{}", serde_json::to_string(&measurement)?),
        }
    }
    Ok(())
}

fn sample() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../samples/svix__svix-webhooks.jsonl.gz"
    ))
}
