//! `history`: opens what the settings name and hands it to the tool; for reading only, unless something is imported or read models of another
//! time are made.

use std::process::ExitCode;

use platform::shutdown::Shutdown;
use replay_tools::history::import::{ImportOptions, ImportTarget};
use replay_tools::history::travel::{self, TravelSources};
use replay_tools::history::{self, COULD_NOT_CHECK, HistoryCommand};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::arguments::{HistoryAction, SettingsArguments};
use crate::interrupting::until_interrupted;
use crate::log::OpenedLog;
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
    let shutdown = Shutdown::new();
    shutdown.on_signals()?;
    until_interrupted(&shutdown, Box::pin(answer(command, arguments, &shutdown))).await
}

async fn answer(
    command: HistoryAction,
    arguments: &SettingsArguments,
    shutdown: &Shutdown,
) -> anyhow::Result<ExitCode> {
    if let HistoryAction::Log(command) = &command
        && command.asks_an_export()
    {
        return Ok(history::run_on_export(command.clone(), shutdown).await?);
    }
    let settings = Settings::load(arguments)?;
    if let HistoryAction::Log(HistoryCommand::Import(options)) = command {
        return import(&options, &settings, shutdown).await;
    }
    let pool = roles::connect(&settings).await?;
    match command {
        HistoryAction::Log(command) => {
            let sources = log::open_to_read(&settings, pool).await?;
            Ok(history::run(command, sources, shutdown).await?)
        }
        HistoryAction::Travel(command) => {
            roles::migrate_schemas(&pool).await?;
            // No journaler: the running system has one.
            let store = log::open(&settings, &pool).await?.store;
            let sources = TravelSources {
                store,
                pool,
                projections: settings.projections,
                url: format!("http://{}", settings.http.listen),
            };
            Ok(travel::run(command, &sources, shutdown).await?)
        }
    }
}

/// An import writes, so the log is opened as for the services, and the journal is kept level meanwhile.
async fn import(options: &ImportOptions, settings: &Settings, shutdown: &Shutdown) -> anyhow::Result<ExitCode> {
    let pool = roles::connect(settings).await?;
    roles::migrate_schemas(&pool).await?;
    let OpenedLog { store, journaler, .. } = log::open(settings, &pool).await?;
    let stop = CancellationToken::new();
    let journaler = journaler.map(|journaler| tokio::spawn(journaler.run(stop.clone())));
    let target = ImportTarget { store, pool };
    let imported = history::run_import(options, &target, shutdown).await;
    stop.cancel();
    if let Some(journaler) = journaler {
        journaler.await??;
    }
    Ok(imported?)
}
