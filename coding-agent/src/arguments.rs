//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::{Role, UserId};
use replay_tools::generations::ProjectionsCommand;
use replay_tools::history::HistoryCommand;
use replay_tools::history::travel::TravelCommand;
use replay_tools::{OutputFormat, ToolOptions};

use crate::log_command::LogCommand;

/// A coding-agent platform whose whole state is an append-only log.
#[derive(Debug, Parser)]
#[command(name = "coding-agent", version, about, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) settings: SettingsArguments,
    #[command(flatten)]
    pub(crate) tool_options: ToolOptions,
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// Where the configuration comes from: defaults, file, environment (`CODING_AGENT__SECTION__KEY`), `--set`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SettingsArguments {
    /// A TOML file of settings.
    #[arg(long, global = true, env = "CODING_AGENT_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting, such as `--set http.listen=127.0.0.1:6000`; may be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Run all roles in this process.
    Up,
    /// Run the write side: commands in, events out.
    CommandApi,
    /// Run the read side: GraphQL over the read models.
    QueryApi,
    /// Run the projector, and the journaler when the log is Apache Kafka.
    Projector,
    /// Bring the database's schemas up to date and end.
    Migrate,
    /// Print the configuration that would be used, secrets hidden.
    Config {
        /// TOML for people, which can be used as a file, or JSON for programs.
        #[arg(long, value_enum, default_value_t)]
        output: OutputFormat,
    },
    /// Say what holds where the history of the log was harmed.
    #[command(subcommand)]
    Log(LogCommand),
    /// Print a bearer token, signed with the key of this installation.
    Token(TokenOptions),
    /// Ask the log itself: works on the configured log and database, with or without a running system.
    #[command(subcommand)]
    History(HistoryAction),
    /// Rebuild read models, prove them, let them serve, go back: works on the configured database, which running projectors fill.
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Print the OpenAPI document of the command routes.
    Openapi,
    /// Print the GraphQL schema.
    Schema,
    #[command(flatten)]
    Tool(replay_tools::Command),
}

/// What can be asked about the history: the log itself, or read models of another time.
#[derive(Debug, Subcommand)]
pub(crate) enum HistoryAction {
    #[command(flatten)]
    Log(HistoryCommand),
    #[command(flatten)]
    Travel(TravelCommand),
}

/// The flags of `token`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TokenOptions {
    /// What the token allows: user, analyst, admin or service.
    #[arg(long)]
    pub(crate) role: Role,
    /// Whom it stands for.
    #[arg(long, value_name = "UUID")]
    pub(crate) user: UserId,
    /// How long it is good for.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    pub(crate) hours: u32,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: OutputFormat,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
