//! `history`: commands about the log itself. They read the configured log and database, never through a running system.
//!
//! Everything here only reads: no schema is brought up to date, no topic is made, nothing is appended. What is folded again to be
//! compared goes into a schema of its own, which is dropped at the end.

pub mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use event_store::log::Log;
use platform::shutdown::Shutdown;
use sqlx::PgPool;

use verify::{VerifyError, VerifyOptions};

/// What can be asked about the log itself.
#[derive(Debug, Clone, Subcommand)]
pub enum HistoryCommand {
    /// Check that the log is whole, and that journal, read models and what clients were told agree with it.
    ///
    /// May run while the system works. Exit code 0: nothing is wrong. 1: something is, and each finding is printed. 2: it could
    /// not be checked.
    Verify(VerifyOptions),
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
) -> Result<ExitCode, VerifyError> {
    match command {
        HistoryCommand::Verify(options) => verify::run(&options, &sources, shutdown).await,
    }
}
