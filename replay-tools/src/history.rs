//! `history`: commands about the log itself. They read the configured log and database, never through a running system.
//!
//! Everything but `import` only reads: no schema is brought up to date, no topic is made, nothing is appended. What is folded again to be
//! compared goes into a schema of its own, which is dropped at the end.

pub mod diff;
pub mod export;
pub mod import;
pub mod reading;
pub mod travel;
pub mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use event_store::StoreError;
use event_store::log::Log;
use platform::shutdown::Shutdown;
use sqlx::PgPool;

use diff::{DiffError, DiffOptions};
use export::{ExportError, ExportOptions};
use import::{ImportOptions, ImportTarget};
use reading::{GrepOptions, LineageOptions, ReadingError, ShowOptions, StatsOptions, TailOptions};
use verify::{VerifyError, VerifyOptions};

/// What can be asked about the log itself.
#[derive(Debug, Clone, Subcommand)]
pub enum HistoryCommand {
    /// Check that the log is whole, and that journal, read models and what clients were told agree with it.
    ///
    /// May run while the system works. Exit code 0: nothing is wrong. 1: something is, and each finding is printed. 2: it could
    /// not be checked.
    Verify(VerifyOptions),
    /// Print the newest events, and with --follow those that come.
    Tail(TailOptions),
    /// Print the events that fit, in the order of the log.
    ///
    /// Exit code 0: something fits. 1: nothing does. 2: it could not be read.
    Grep(GrepOptions),
    /// Show one stream: what each of its events changed, and the state that they make.
    Show(ShowOptions),
    /// Show what led to an event and what it led to, as a tree.
    Lineage(LineageOptions),
    /// Count events by type, day, partition, category or actor, with their sizes.
    Stats(StatsOptions),
    /// Write the events as Parquet files, to be read by analysts' own tools, and to be kept.
    ///
    /// A later run adds what is new. It may be interrupted at any time; the next run goes on. Exit code 0: written. 1: refused, with a
    /// code. 2: it could not be tried.
    Export(ExportOptions),
    /// Make an export the history of an empty log.
    ///
    /// It may be interrupted at any time; the next run goes on. Exit code 0: imported, and the content of the log is that of the export.
    /// 1: refused, with a code. 2: it could not be tried.
    Import(ImportOptions),
    /// Compare two generations of read models, at one moment, by table, key and column.
    ///
    /// Exit code 0: equal. 1: different. 2: they could not be compared.
    Diff(DiffOptions),
}

impl HistoryCommand {
    /// Does it need neither log nor database, but an export?
    pub fn asks_an_export(&self) -> bool {
        match self {
            Self::Grep(options) => options.export.is_some(),
            Self::Stats(options) => options.export.is_some(),
            Self::Import(options) => options.check,
            _ => false,
        }
    }
}

/// Why a command about the log did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It could not be checked.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// It could not be read.
    #[error(transparent)]
    Reading(#[from] ReadingError),
    /// An export could not be written or read.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Two generations could not be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
}

/// The exit code when the question could not be answered; 1 is an answer.
pub const COULD_NOT_CHECK: u8 = 2;

/// Where the history is.
#[derive(Clone)]
pub struct HistorySources {
    /// What decides.
    pub log: LogSource,
    /// The database of the journal and the read models.
    pub pool: PgPool,
}

/// What the log is.
#[derive(Clone)]
pub enum LogSource {
    /// The journal in the database.
    Journal,
    /// A log elsewhere, of which the journal is the index.
    Log(Arc<dyn Log>),
}

/// Runs one command and prints its result; `shutdown` ends it early, leaving nothing behind.
pub async fn run(
    command: HistoryCommand,
    sources: HistorySources,
    shutdown: &Shutdown,
) -> Result<ExitCode, HistoryError> {
    let pool = &sources.pool;
    let read = async {
        match command {
            HistoryCommand::Verify(options) => return Ok(verify::run(&options, &sources, shutdown).await?),
            HistoryCommand::Diff(options) => return Ok(diff::run(&options, pool, shutdown).await?),
            HistoryCommand::Tail(options) => reading::tail(&options, pool, shutdown).await,
            HistoryCommand::Grep(options) => until(shutdown, reading::grep(&options, pool)).await,
            HistoryCommand::Show(options) => until(shutdown, reading::show(&options, pool)).await,
            HistoryCommand::Lineage(options) => until(shutdown, reading::lineage(&options, pool)).await,
            HistoryCommand::Stats(options) => until(shutdown, reading::stats(&options, pool)).await,
            HistoryCommand::Export(options) => return Ok(export::run(&options, pool, shutdown).await?),
            // What is open here cannot be written to; see `import::run`.
            HistoryCommand::Import(_) => return Err(ExportError::from(StoreError::Invalid("an import writes")).into()),
        }
        .map_err(HistoryError::from)
    };
    answered(read.await)
}

/// Runs a command that [asks an export](HistoryCommand::asks_an_export) and prints its result.
pub async fn run_on_export(command: HistoryCommand, shutdown: &Shutdown) -> Result<ExitCode, HistoryError> {
    let asked = tokio::task::spawn_blocking(move || match command {
        HistoryCommand::Grep(options) => export::search::grep(&options),
        HistoryCommand::Stats(options) => export::search::stats(&options),
        HistoryCommand::Import(options) => import::check(&options),
        _ => Err(StoreError::Invalid("only grep, stats and import --check ask an export").into()),
    });
    let asked = tokio::select! {
        asked = asked => asked.unwrap_or_else(|_| Err(ExportError::crashed("search"))),
        () = shutdown.requested() => Err(ExportError::Interrupted),
    };
    answered(asked.map_err(HistoryError::from))
}

/// Runs an import and prints its result.
pub async fn run_import(
    options: &ImportOptions,
    target: &ImportTarget,
    shutdown: &Shutdown,
) -> Result<ExitCode, HistoryError> {
    answered(import::run(options, target, shutdown).await.map_err(HistoryError::from))
}

/// An answer that nobody wants to read further is one, and so is a refusal, which is printed with its code.
fn answered(outcome: Result<ExitCode, HistoryError>) -> Result<ExitCode, HistoryError> {
    match outcome {
        Err(HistoryError::Reading(error)) if error.is_enough() => Ok(ExitCode::SUCCESS),
        Err(HistoryError::Export(error)) if error.is_enough() => Ok(ExitCode::SUCCESS),
        Err(HistoryError::Export(error)) if error.is_refusal() => {
            eprintln!("coding-agent: {}: {error}", error.code());
            Ok(ExitCode::FAILURE)
        }
        outcome => outcome,
    }
}

async fn until(
    shutdown: &Shutdown,
    reading: impl Future<Output = Result<ExitCode, ReadingError>>,
) -> Result<ExitCode, ReadingError> {
    tokio::select! {
        read = reading => read,
        () = shutdown.requested() => Ok(ExitCode::from(COULD_NOT_CHECK)),
    }
}
