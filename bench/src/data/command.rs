//! `./dev data`: what the program `replicate` is told, and what it says.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use event_store::postgres::PostgresStore;
use kafka::KafkaOptions;
use platform::config::{Environment, Secret, load};
use platform::shutdown::Shutdown;
use platform::telemetry::{TelemetryOptions, init};
use replay_tools::OutputFormat;
use replay_tools::progress::{self, Meter};
use serde::{Deserialize, Serialize};
use tokio::runtime::Builder;

use super::{Histories, Replicated, Target, replicate};
use crate::Store;
use crate::append::{LogNode, OpenedLog, close, connect};

/// Fill the log with real histories, again and again under other names, until it has so many of their events.
///
/// The log and the database are those that the environment names, as the platform reads it (`CODING_AGENT__POSTGRES__URL`,
/// `CODING_AGENT__LOG__KIND`, ..). The platform may run meanwhile. After Ctrl-C, the same command goes on where it stopped.
///
/// Exit code 0: the log has them. 1: it does not.
#[derive(Debug, Parser)]
#[command(name = "replicate")]
struct Arguments {
    /// How many events.
    #[arg(long, value_name = "N")]
    events: u64,
    /// A history, as `coding-agent import git` reads it; several take turns.
    #[arg(long = "history", value_name = "FILE", default_values_os_t = [crate::sample()])]
    histories: Vec<PathBuf>,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// Of the configuration of the platform, what is needed here.
#[derive(Serialize, Deserialize)]
struct Settings {
    postgres: PostgresSettings,
    #[serde(default)]
    log: LogSettings,
    #[serde(default)]
    kafka: KafkaOptions,
}

#[derive(Serialize, Deserialize)]
struct PostgresSettings {
    url: Secret<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
struct LogSettings {
    kind: Store,
    partitions: u32,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            kind: Store::Postgresql,
            partitions: KafkaOptions::default().partitions,
        }
    }
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replicate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &Arguments) -> Result<()> {
    let _metrics = init(&TelemetryOptions {
        filter: "warn,sqlx::query=error".to_owned(),
        ..TelemetryOptions::default()
    })?;
    let settings: Settings = load("", None, &Environment::of_process("CODING_AGENT__")?, &[])
        .context("the environment does not say where the log is; `./dev data` does")?;
    Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work(arguments, settings))
}

async fn work(arguments: &Arguments, settings: Settings) -> Result<()> {
    let histories = Histories::read(&arguments.histories)?;
    let pool = connect(settings.postgres.url.expose()).await?;
    let report = match settings.log.kind {
        Store::Postgresql => {
            let store = Arc::new(PostgresStore::open(pool.clone(), settings.log.partitions).await?);
            fill(
                arguments,
                &histories,
                Target {
                    store,
                    pool: pool.clone(),
                },
            )
            .await?
        }
        Store::Kafka => {
            let options = KafkaOptions {
                partitions: settings.log.partitions,
                ..settings.kafka
            };
            let node = LogNode::start(OpenedLog::on(options, pool.clone()).await?).await?;
            // Beside that of a running platform it stands by.
            let journaler = node.start_journaler();
            let target = Target {
                store: node.store.clone(),
                pool: pool.clone(),
            };
            let filled = fill(arguments, &histories, target).await;
            journaler.stop().await?;
            filled?
        }
    };
    close(&pool).await;
    match arguments.output {
        OutputFormat::Text => println!(
            "{} events of {} repositories are in the log, {} of them written now in {:.1} s",
            report.events, report.copies, report.written, report.seconds
        ),
        OutputFormat::Json => println!("{}", serde_json::to_string(&report)?),
    }
    Ok(())
}

async fn fill(arguments: &Arguments, histories: &Histories, target: Target) -> Result<Replicated> {
    let shutdown = Shutdown::new();
    shutdown.on_signals().context("signals cannot be handled")?;
    let meter = Meter::default();
    tokio::select! {
        done = replicate(histories, arguments.events, &target, &meter) => done,
        () = progress::show(arguments.output, &meter) => anyhow::bail!("the progress cannot be shown"),
        () = shutdown.requested() => anyhow::bail!("interrupted; the same command goes on where it stopped"),
    }
}
