//! `projections`: what an administrator does with the generations of read models.
//!
//! These work on the configured database and log. The work itself is done by the projectors that run: a rebuild goes on whether
//! somebody watches or not, also after a crash of either.

mod parked;
mod rebuild;
mod table;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use event_store::EventStore;
use platform::shutdown::Shutdown;
use projections::ProjectionError;
use projections::administration::{self, AdministrationError};
use sqlx::PgPool;

use crate::{OutputFormat, ToolError};

pub use parked::{DiscardOptions, ParkedOptions, RetryOptions};
pub use verify::VerifyReport;

/// What can be done with generations.
///
/// Exit code 0: done, or the answer is yes. 1: refused, or the answer is no. 2: it could not be tried.
#[derive(Debug, Clone, Subcommand)]
pub enum ProjectionsCommand {
    /// Show every generation, how far it is and which one serves.
    List(Output),
    /// Fill a new generation of all read models beside the one that serves.
    ///
    /// The running projectors do it. Queries are answered from the serving generation until the new one is promoted. The new one stands
    /// still while the serving one is behind the log. Ends at once, or with --watch when the generation is complete.
    Rebuild(RebuildOptions),
    /// Fold the log a second time up to where a generation is, and compare every row.
    Verify(VerifyOptions),
    /// Let a complete generation serve. Refused if clients would see less than before.
    Promote(OneGeneration),
    /// Let the generation serve that served before.
    Rollback(Output),
    /// Remove a generation that does not serve, with its tables.
    Drop(DropOptions),
    /// Show the streams that stand still before an event that cannot be projected, and the events that were given up.
    ///
    /// Everything else goes on meanwhile. Exit code 0: none stands still. 1: some do.
    Parked(parked::ParkedOptions),
    /// Try parked streams again, after what was wrong is mended.
    Retry(parked::RetryOptions),
    /// Give the event up that a stream stands before: the stream goes on behind it.
    ///
    /// Its rows lack what the event would have done, and stay marked as degraded. A rebuild meets the event again.
    Discard(parked::DiscardOptions),
}

/// How to tell.
#[derive(Debug, Clone, Args)]
pub struct Output {
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of `projections rebuild`.
#[derive(Debug, Clone, Args)]
pub struct RebuildOptions {
    /// Show how far it is until it is complete; also for a rebuild that is under way. Ctrl-C ends the watching, not the rebuild.
    #[arg(long)]
    pub watch: bool,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of `projections verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyOptions {
    /// The generation, as `projections list` names it.
    pub generation: String,
    /// How many differences to print; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of a command about one generation.
#[derive(Debug, Clone, Args)]
pub struct OneGeneration {
    /// The generation, as `projections list` names it.
    pub generation: String,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of `projections drop`.
#[derive(Debug, Clone, Args)]
pub struct DropOptions {
    /// The generation, as `projections list` names it.
    pub generation: String,
    /// For how long it must not have served: until then it may be needed to go back.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub grace: u64,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum GenerationsError {
    /// Refused, with a reason.
    #[error(transparent)]
    Refused(AdministrationError),
    /// The database or the log is away.
    #[error("the log or the database of the read models cannot be used")]
    Away(#[source] ProjectionError),
    /// This version folds differently.
    #[error(
        "{generation} was filled by other projectors ({theirs}) than this version has ({ours}); verify it with the version that fills it"
    )]
    OtherProjectors {
        /// The generation.
        generation: String,
        /// Its fingerprint.
        theirs: String,
        /// That of this version.
        ours: String,
    },
    /// Ended by a signal.
    #[error("interrupted; nothing was left behind, run it again")]
    Interrupted,
    /// The answer could not be printed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl From<AdministrationError> for GenerationsError {
    fn from(error: AdministrationError) -> Self {
        match error {
            AdministrationError::Projection(error) => Self::Away(error),
            refused => Self::Refused(refused),
        }
    }
}

impl From<ProjectionError> for GenerationsError {
    fn from(error: ProjectionError) -> Self {
        Self::Away(error)
    }
}

impl From<sqlx::Error> for GenerationsError {
    fn from(error: sqlx::Error) -> Self {
        Self::Away(error.into())
    }
}

/// The log and its read models.
#[derive(Clone)]
pub struct GenerationsSources {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// The database of the read models.
    pub pool: PgPool,
}

/// Runs one command and prints its result. A refusal is printed with its code and is exit code 1.
pub async fn run(
    command: ProjectionsCommand,
    sources: &GenerationsSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, GenerationsError> {
    match answer(command, sources, shutdown).await {
        Err(GenerationsError::Refused(refused)) => {
            eprintln!("coding-agent: {}: {refused}", refused.code());
            Ok(ExitCode::FAILURE)
        }
        outcome => outcome,
    }
}

async fn answer(
    command: ProjectionsCommand,
    sources: &GenerationsSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, GenerationsError> {
    let GenerationsSources { store, pool } = sources;
    match command {
        ProjectionsCommand::List(options) => {
            let generations = administration::list(pool, &**store).await?;
            options.output.print(&generations, || table::render(&generations))?;
        }
        ProjectionsCommand::Rebuild(options) => return rebuild::run(&options, sources, shutdown).await,
        ProjectionsCommand::Verify(options) => return verify::run(&options, sources, shutdown).await,
        ProjectionsCommand::Promote(options) => {
            let done = administration::promote(pool, &**store, &options.generation).await?;
            options.output.print(&done, || table::promotion(&done))?;
        }
        ProjectionsCommand::Rollback(options) => {
            let done = administration::roll_back(pool, &**store).await?;
            options.output.print(&done, || table::promotion(&done))?;
        }
        ProjectionsCommand::Parked(options) => return parked::list(&options, pool).await,
        ProjectionsCommand::Retry(options) => return parked::retry(&options, pool).await,
        ProjectionsCommand::Discard(options) => return parked::discard(&options, pool).await,
        ProjectionsCommand::Drop(options) => {
            administration::retire(pool, &options.generation, Duration::from_secs(options.grace)).await?;
            let dropped = serde_json::json!({ "dropped": options.generation });
            options
                .output
                .print(&dropped, || format!("{} is dropped\n", options.generation))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
