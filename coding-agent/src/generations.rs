//! `projections`: opens log and database and hands them to the tool.

use std::process::ExitCode;

use platform::shutdown::Shutdown;
use replay_tools::generations::{self, GenerationsSources, ProjectionsCommand};
use replay_tools::history::COULD_NOT_CHECK;
use tokio::runtime::Runtime;

use crate::arguments::SettingsArguments;
use crate::interrupting::until_interrupted;
use crate::settings::Settings;
use crate::{log, roles};

/// Runs one command. What could not be tried has an exit code of its own.
pub(crate) fn run(runtime: Runtime, command: ProjectionsCommand, arguments: &SettingsArguments) -> ExitCode {
    let outcome = runtime.block_on(work(command, arguments));
    // A reader of a broker blocks a thread until its next look; nobody needs to wait for it.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| {
        eprintln!("coding-agent: {error:#}");
        ExitCode::from(COULD_NOT_CHECK)
    })
}

async fn work(command: ProjectionsCommand, arguments: &SettingsArguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(arguments)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    until_interrupted(&shutdown, answer(command, settings, &shutdown)).await
}

async fn answer(command: ProjectionsCommand, settings: Settings, shutdown: &Shutdown) -> anyhow::Result<ExitCode> {
    let pool = roles::connect(&settings).await?;
    roles::migrate_schemas(&pool).await?;
    // No journaler: the running system has one.
    let store = log::open(&settings, &pool).await?.store;
    let sources = GenerationsSources {
        store,
        pool,
        projections: settings.projections,
    };
    Ok(Box::pin(generations::run(command, &sources, shutdown)).await?)
}
