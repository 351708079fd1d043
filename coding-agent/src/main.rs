//! The one binary of the platform: `coding-agent up` runs all roles in one process, the other subcommands run one role or
//! one tool. This file reads the command line; [`roles`] puts the services together.

mod arguments;
mod log;
mod roles;
mod settings;
mod status_route;
mod token;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use crate::arguments::{Arguments, Command};
use crate::roles::Roles;
use crate::settings::Settings;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("coding-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no asynchronous runtime")?;
    match arguments.command {
        Command::Tool(tool) => Ok(runtime.block_on(replay_tools::run(tool, &arguments.tool_options))?),
        Command::Openapi => {
            println!("{}", command_api::openapi());
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema => {
            println!("{}", query_api::sdl());
            Ok(ExitCode::SUCCESS)
        }
        Command::Config => {
            print!("{}", platform::config::render(&Settings::load(&arguments.settings)?)?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Token(options) => {
            token::print(&Settings::load(&arguments.settings)?, &options)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Migrate => {
            let settings = Settings::load(&arguments.settings)?;
            runtime.block_on(roles::migrate(&settings))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Up => serve(&runtime, Roles::ALL, &arguments.settings),
        Command::CommandApi => serve(&runtime, Roles::COMMAND_API, &arguments.settings),
        Command::QueryApi => serve(&runtime, Roles::QUERY_API, &arguments.settings),
        Command::Projector => serve(&runtime, Roles::PROJECTOR, &arguments.settings),
    }
}

fn serve(
    runtime: &tokio::runtime::Runtime,
    roles: Roles,
    arguments: &arguments::SettingsArguments,
) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(arguments)?;
    let outcome = runtime.block_on(roles::run(roles, settings));
    // Blocking questions to a broker that is away must not hold the process.
    outcome.map(|()| ExitCode::SUCCESS)
}
