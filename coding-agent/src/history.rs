//! `history`: opens what the settings name, for reading only, and hands it to the tool.

use std::process::ExitCode;

use platform::shutdown::Shutdown;
use replay_tools::history::{self, COULD_NOT_CHECK, HistoryCommand};
use tokio::runtime::Runtime;

use crate::arguments::SettingsArguments;
use crate::settings::Settings;
use crate::{log, roles};

/// Runs one command. An error is an answer that could not be given, which has an exit code of its own.
pub(crate) fn run(runtime: Runtime, command: HistoryCommand, arguments: &SettingsArguments) -> ExitCode {
    let outcome = runtime.block_on(work(command, arguments));
    // A reader of a broker blocks a thread until its next look; nobody needs to wait for it.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| {
        eprintln!("coding-agent: {error:#}");
        ExitCode::from(COULD_NOT_CHECK)
    })
}

async fn work(command: HistoryCommand, arguments: &SettingsArguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(arguments)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    let pool = roles::connect(&settings).await?;
    let sources = log::open_to_read(&settings, pool).await?;
    Ok(history::run(command, sources, &shutdown).await?)
}
