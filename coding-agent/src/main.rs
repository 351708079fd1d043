//! The one binary of the platform: `coding-agent up` runs all roles in one process, the other subcommands run one role or
//! one tool. This file reads the command line; [`roles`] puts the services together.

mod arguments;
mod commands_in_process;
mod doctor;
mod generations;
mod history;
mod interrupting;
mod log;
mod log_command;
mod manual;
mod roles;
mod settings;
mod status_route;
mod token;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::FromArgMatches as _;
use replay_tools::OutputFormat;

use crate::arguments::{Action, Arguments, Routes, command_line};
use crate::roles::Roles;
use crate::settings::Settings;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("coding-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no asynchronous runtime")?;
    match arguments.action {
        Action::Tool(tool) => Ok(runtime.block_on(replay_tools::run(tool, &arguments.tool_options))?),
        Action::History(command) => Ok(history::run(runtime, command, &arguments.settings)),
        Action::Projections(command) => Ok(generations::run(runtime, command, &arguments.settings)),
        Action::Openapi { of } => {
            let document = match of {
                Routes::Commands => command_api::openapi(),
                Routes::Admin => admin_api::openapi(),
            };
            print!("{document}");
            Ok(ExitCode::SUCCESS)
        }
        Action::Schema => {
            println!("{}", query_api::sdl());
            Ok(ExitCode::SUCCESS)
        }
        Action::Config(options) => {
            let settings = Settings::load(&arguments.settings)?;
            match options.output {
                OutputFormat::Text => print!("{}", platform::config::render(&settings)?),
                OutputFormat::Json => println!("{}", serde_json::to_string_pretty(&settings)?),
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Token(options) => {
            token::print(&Settings::load(&arguments.settings)?, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Migrate(options) => {
            let settings = Settings::load(&arguments.settings)?;
            runtime.block_on(roles::migrate(&settings))?;
            let migrated = serde_json::json!({
                "journal": event_store::journal::migrate::versions().last(),
                "control": projections::migration_versions().last(),
            });
            options
                .output
                .print(&migrated, || "the schemas are up to date\n".to_owned())?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Doctor(options) => doctor::run(runtime, &options, &arguments.settings),
        Action::Completions { shell } => manual::completions(shell),
        Action::Man(options) => manual::pages(&options),
        Action::Log(command) => {
            let settings = Settings::load(&arguments.settings)?;
            runtime.block_on(roles::log(command, &settings))?;
            // A consumer that has just been dropped may still block a thread.
            runtime.shutdown_background();
            Ok(ExitCode::SUCCESS)
        }
        Action::Up => serve(runtime, Roles::ALL, &arguments.settings),
        Action::CommandApi => serve(runtime, Roles::COMMAND_API, &arguments.settings),
        Action::QueryApi => serve(runtime, Roles::QUERY_API, &arguments.settings),
        Action::Projector => serve(runtime, Roles::PROJECTOR, &arguments.settings),
    }
}

fn serve(
    runtime: tokio::runtime::Runtime,
    roles: Roles,
    arguments: &arguments::SettingsArguments,
) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(arguments)?;
    let outcome = runtime.block_on(roles::run(roles, settings));
    // A question to a broker that is away blocks a thread for seconds; everything that matters has ended by now.
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}
