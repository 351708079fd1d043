//! The commands of `./dev`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{bench, data, faults, instance, interrupt, lint, simulate, test, up};

/// Build, run and check the coding-agent platform on this machine.
#[derive(Debug, Parser)]
#[command(name = "./dev", bin_name = "./dev")]
struct Menu {
    #[command(subcommand)]
    command: MenuCommand,
}

#[derive(Debug, Subcommand)]
enum MenuCommand {
    /// Build in release mode, start private servers and the platform, and import the sample history
    Up(UpOptions),
    /// Stop what `up` started
    Down,
    /// Stop everything and delete all data under .dev/
    Reset {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Say what runs
    Status,
    /// Run `coding-agent ARGS` against the instance that `up` started
    #[command(disable_help_flag = true)]
    Cli(Passed),
    /// Print a token: `./dev token --role admin --user UUID`
    #[command(disable_help_flag = true)]
    Token(Passed),
    /// Fill the log of the instance with real histories, again and again under other names
    Data(DataOptions),
    /// Run every check and test on throw-away servers
    Test {
        /// Only this crate
        #[arg(long, value_name = "CRATE")]
        only: Option<String>,
    },
    /// Check format, lints and the rules of this repository
    Lint,
    /// Run the write side in simulated worlds, each from a seed, and check what was promised
    #[command(disable_help_flag = true)]
    Simulate(Passed),
    /// Run benchmarks on throw-away servers
    #[command(disable_help_flag = true)]
    Bench(Passed),
    /// Inflict faults on throw-away brokers, `PostgreSQL` and nodes under load, and check what clients were told
    #[command(disable_help_flag = true)]
    Faults(Passed),
}

#[derive(Debug, Args)]
struct Passed {
    /// Passed on as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What `up` can be told.
#[derive(Debug, Args)]
pub(crate) struct UpOptions {
    /// Where events are stored
    #[arg(long, value_enum, default_value_t = LogKind::Postgresql)]
    pub(crate) log: LogKind,
    /// Kafka brokers: 1 or 3
    #[arg(long, default_value_t = 1, value_parser = brokers)]
    pub(crate) brokers: u16,
    /// The HTTP port on 127.0.0.1 [default: 5000, or a free one when that is taken]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Do not import the sample history
    #[arg(long)]
    pub(crate) no_sample: bool,
    /// Return when it is ready, instead of staying until Ctrl-C
    #[arg(long)]
    pub(crate) detach: bool,
    /// Run this program instead of building one
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<std::path::PathBuf>,
}

/// What `data` can be told.
#[derive(Debug, Args)]
pub(crate) struct DataOptions {
    /// So many events of such histories are in the log afterwards; those that are there already count
    #[arg(long, value_name = "N")]
    pub(crate) events: u64,
    /// Where the instance is expected to store its events
    #[arg(long, value_enum)]
    pub(crate) log: Option<LogKind>,
    /// A history as `coding-agent import git` reads it; several take turns [default: that of samples/]
    #[arg(long = "history", value_name = "FILE")]
    pub(crate) histories: Vec<std::path::PathBuf>,
    /// The form of the report
    #[arg(long, value_parser = ["text", "json"], default_value = "text")]
    pub(crate) output: String,
}

/// The store of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogKind {
    /// Apache Kafka, with `PostgreSQL` for everything derived
    Kafka,
    /// `PostgreSQL` alone
    Postgresql,
}

impl LogKind {
    /// As configuration spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgresql => "postgresql",
        }
    }
}

fn brokers(text: &str) -> Result<u16, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("1 or 3".to_owned()),
    }
}

/// Does what the command line says.
pub fn run() -> Result<ExitCode> {
    let menu = Menu::parse();
    match menu.command {
        MenuCommand::Up(options) => {
            interrupt::listen()?;
            up::run(&options)
        }
        MenuCommand::Down => instance::down::run(),
        MenuCommand::Reset { yes } => instance::reset::run(yes),
        MenuCommand::Status => instance::status::run(),
        MenuCommand::Cli(passed) => instance::cli::run(&passed.arguments),
        MenuCommand::Token(passed) => {
            let arguments: Vec<String> = std::iter::once("token".to_owned()).chain(passed.arguments).collect();
            instance::cli::run(&arguments)
        }
        MenuCommand::Data(options) => {
            interrupt::listen()?;
            data::run(&options)
        }
        MenuCommand::Test { only } => {
            interrupt::listen()?;
            test::run(only.as_deref())
        }
        MenuCommand::Lint => {
            interrupt::listen()?;
            lint::run()
        }
        MenuCommand::Simulate(passed) => {
            interrupt::listen()?;
            simulate::run(&passed.arguments)
        }
        MenuCommand::Bench(passed) => {
            interrupt::listen()?;
            bench::run(&passed.arguments)
        }
        MenuCommand::Faults(passed) => {
            interrupt::listen()?;
            faults::run(&passed.arguments)
        }
    }
}
