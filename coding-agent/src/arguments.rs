//! The command line.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use domain::{Role, UserId};
use replay_tools::doctor::DoctorOptions;
use replay_tools::generations::ProjectionsCommand;
use replay_tools::history::HistoryCommand;
use replay_tools::history::travel::TravelCommand;
use replay_tools::{OutputFormat, ToolOptions};

use crate::log_command::LogCommand;

/// A coding-agent platform whose whole state is an append-only log.
///
/// Settings come from the defaults, a file, the environment (`CODING_AGENT__SECTION__KEY`) and `--set`, in this order.
///
/// Exit codes of every command, unless it says otherwise: 0 done. 1 it failed, and the message says what to do. 2 the command line is not
/// understood.
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
    Migrate(Output),
    /// Print the configuration that would be used, secrets hidden.
    ///
    /// As text it is TOML, which can be used as a file.
    Config(Output),
    /// Check everything that an installation can have wrong, and say what to do.
    ///
    /// Looks and changes nothing; needs no running system. Exit code 0: everything was checked and is fine. 1: there are findings, each with
    /// a remedy. 2: there are none, and not everything could be checked.
    Doctor(DoctorOptions),
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
    /// Print an OpenAPI document.
    Openapi {
        /// Of which routes.
        #[arg(long, value_enum, default_value_t)]
        of: Routes,
    },
    /// Print the GraphQL schema.
    Schema,
    /// Print the completions of a shell: `source <(coding-agent completions bash)`.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write a manual page for each command.
    Man(ManOptions),
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

/// Routes with a document of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Routes {
    /// Commands: the write side.
    #[default]
    Commands,
    /// What administrators do with projections.
    Admin,
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

/// How to tell.
#[derive(Debug, Clone, Args)]
pub(crate) struct Output {
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: OutputFormat,
}

/// The flags of `man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManOptions {
    /// The folder, which is made if it is missing; `man -l DIR/coding-agent.1` reads the first page.
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: OutputFormat,
}

/// The command line, each command with its exit codes in the long help.
pub(crate) fn command_line() -> Command {
    with_exit_codes(Arguments::command(), EXIT_CODES)
}

const EXIT_CODES: &str =
    "Exit code 0: done. 1: it failed, and the message says what to do. 2: the command line is not understood.";
const EXIT_CODES_OF_ROLES: &str = "Exit code 0: it was asked to end, and has ended in good order. 1: it failed, and the message says what to do. 2: the command line is not \
     understood.";
const EXIT_CODES_OF_QUESTIONS: &str = "Exit code 0: done, or the answer is yes. 1: refused with a code, or the answer is no. 2: it could not be tried, or the command line is not \
     understood.";

/// Those that say it themselves stay as they are.
fn with_exit_codes(command: Command, codes: &'static str) -> Command {
    let codes = match command.get_name() {
        "up" | "command-api" | "query-api" | "projector" => EXIT_CODES_OF_ROLES,
        "history" | "projections" | "status" => EXIT_CODES_OF_QUESTIONS,
        _ => codes,
    };
    let says_it = command
        .get_long_about()
        .is_some_and(|about| about.to_string().contains("Exit code"));
    let command = if says_it {
        command
    } else {
        command.after_long_help(codes)
    };
    command.mut_subcommands(|below| with_exit_codes(below, codes))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They print a document of their own form, or serve until they are ended.
    const WITHOUT_OUTPUT: [&str; 7] = [
        "up",
        "command-api",
        "query-api",
        "projector",
        "openapi",
        "schema",
        "completions",
    ];

    fn leaves<'a>(command: &'a Command, path: &str, found: &mut Vec<(String, &'a Command)>) {
        let below: Vec<_> = command
            .get_subcommands()
            .filter(|below| below.get_name() != "help")
            .collect();
        if below.is_empty() {
            found.push((path.to_owned(), command));
        }
        for below in below {
            leaves(below, format!("{path} {}", below.get_name()).trim(), found);
        }
    }

    #[test]
    fn the_command_line_is_one_that_clap_accepts() {
        command_line().debug_assert();
    }

    #[test]
    fn every_command_and_flag_has_help_and_every_one_that_prints_has_output() {
        let command = command_line();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        assert!(found.len() > 20);
        for (path, leaf) in &found {
            assert!(leaf.get_about().is_some(), "{path} has no help");
            for argument in leaf.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{path} {} has no help",
                    argument.get_id()
                );
            }
            let has_output = leaf.get_arguments().any(|argument| argument.get_id() == "output");
            assert_eq!(has_output, !WITHOUT_OUTPUT.contains(&path.as_str()), "{path} --output");
        }
    }

    #[test]
    fn exit_codes_are_documented_for_every_command() {
        let mut command = command_line();
        command.build();
        let mut found = Vec::new();
        leaves(&command, "", &mut found);
        for (path, leaf) in &found {
            let help = Command::clone(leaf).render_long_help().to_string();
            assert!(help.contains("Exit code"), "{path}: {help}");
        }
    }
}
