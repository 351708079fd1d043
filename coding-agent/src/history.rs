//! `history`: opens what the settings name and hands it to the tool; for reading only, unless it is to make read models of another time.

use std::process::ExitCode;

use platform::shutdown::Shutdown;
use replay_tools::history::travel::{self, TravelSources};
use replay_tools::history::{self, COULD_NOT_CHECK};
use tokio::runtime::Runtime;

use crate::arguments::{HistoryAction, SettingsArguments};
use crate::settings::Settings;
use crate::{log, roles};

/// Runs one command. An error is an answer that could not be given, which has an exit code of its own.
pub(crate) fn run(runtime: Runtime, command: HistoryAction, arguments: &SettingsArguments) -> ExitCode {
    let outcome = runtime.block_on(work(command, arguments));
    // A reader of a broker blocks a thread until its next look; nobody needs to wait for it.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| {
        eprintln!("coding-agent: {error:#}");
        ExitCode::from(COULD_NOT_CHECK)
    })
}

async fn work(command: HistoryAction, arguments: &SettingsArguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(arguments)?;
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    let pool = roles::connect(&settings).await?;
    match command {
        HistoryAction::Log(command) => {
            let sources = log::open_to_read(&settings, pool).await?;
            Ok(history::run(command, sources, &shutdown).await?)
        }
        HistoryAction::Travel(command) => {
            roles::migrate_schemas(&pool).await?;
            // No journaler: the running system has one.
            let store = log::open(&settings, &pool).await?.store;
            let url = format!("http://{}", settings.http.listen);
            Ok(travel::run(command, &TravelSources { store, pool, url }, &shutdown).await?)
        }
    }
}
