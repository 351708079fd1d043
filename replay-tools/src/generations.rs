//! `projections`: what an administrator does with the generations of read models.
//!
//! These work on the configured database and log. The work itself is done by the projectors that run: a rebuild goes on whether
//! somebody watches or not, also after a crash of either.

mod model;
mod parked;
mod rebuild;
mod table;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use domain::{Actor, Role, UserId};
use event_store::EventStore;
use platform::shutdown::Shutdown;
use projections::ProjectionError;
use projections::ProjectorOptions;
use projections::administration::verify::VerifyReport;
use projections::administration::{self, Acceptance, AdministrationError, Administrator, Operator};
use sqlx::PgPool;
use uuid::Uuid;

use crate::lag::{self, ExplainLagOptions};
use crate::progress::Meter;
use crate::{OutputFormat, ToolError};

pub use parked::{DiscardOptions, ParkedOptions, RetryOptions};

/// What stands for every read model.
const ALL_MODELS: &str = "all";

/// Variables of the environment that name the account of whoever is at the terminal.
const ACCOUNT: [&str; 2] = ["LOGNAME", "USER"];

/// What can be done with generations.
///
/// Exit code 0: done, or the answer is yes. 1: refused, or the answer is no. 2: it could not be tried.
#[derive(Debug, Clone, Subcommand)]
pub enum ProjectionsCommand {
    /// Show every generation, how far it is and which one serves.
    List(Output),
    /// Fill a new generation beside the one that serves: of all read models, or of one.
    ///
    /// All: the running projectors do it. Queries are answered from the serving generation until the new one is promoted. The new one stands
    /// still while the serving one is behind the log. Ends at once, or with --watch when the generation is complete.
    ///
    /// One model: this command fills it, and goes on where it was when it is run again after Ctrl-C or a crash. When it is promoted its
    /// tables join the generation that serves.
    Rebuild(RebuildOptions),
    /// Fold the log a second time up to where a generation is, and compare every row.
    Verify(VerifyOptions),
    /// Let a complete generation serve. Refused if clients would see less than before.
    Promote(PromoteOptions),
    /// Let the generation serve that served before.
    Rollback(RollbackOptions),
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
    /// Say why a generation is behind the log, and what to do about it.
    ///
    /// Looks at log, checkpoints, processes, parked streams and locks of the database twice, some seconds apart. Exit code 0: nothing is
    /// behind and no stream stands still. 1: something is, and each cause is printed with a remedy. 2: it could not be looked at.
    ExplainLag(ExplainLagOptions),
}

/// How to tell.
#[derive(Debug, Clone, Args)]
pub struct Output {
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// Why it is done, for the record.
#[derive(Debug, Clone, Args)]
pub struct Reason {
    /// Why, for those who read the record in years: `coding-agent history grep --stream administration-projections`.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// The flags of `projections rollback`.
#[derive(Debug, Clone, Args)]
pub struct RollbackOptions {
    /// Why.
    #[command(flatten)]
    pub reason: Reason,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The flags of `projections rebuild`.
#[derive(Debug, Clone, Args)]
pub struct RebuildOptions {
    /// One read model, or `all`.
    #[arg(default_value = ALL_MODELS)]
    pub model: String,
    /// Show how far it is until it is complete; also for a rebuild that is under way. Ctrl-C ends the watching, not the rebuild.
    #[arg(long)]
    pub watch: bool,
    /// Why.
    #[command(flatten)]
    pub reason: Reason,
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

/// The flags of `projections promote`.
#[derive(Debug, Clone, Args)]
pub struct PromoteOptions {
    /// The generation, as `projections list` names it.
    pub generation: String,
    /// The difference to what serves that `projections verify` has shown, when other projectors filled that.
    #[arg(long, value_name = "NAME")]
    pub accept_diff: Option<String>,
    /// The parked streams of the generation, by the name that the refusal tells.
    #[arg(long, value_name = "NAME")]
    pub accept_parked: Option<String>,
    /// Who accepts it; it is kept with what was accepted.
    #[arg(long, env = "USER", default_value = "unknown", value_name = "NAME")]
    pub by: String,
    /// Why.
    #[command(flatten)]
    pub reason: Reason,
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
    /// Why.
    #[command(flatten)]
    pub reason: Reason,
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
    /// This version cannot tell.
    #[error(transparent)]
    OtherProjectors(AdministrationError),
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
            other @ AdministrationError::OtherProjectors { .. } => Self::OtherProjectors(other),
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
    /// How projectors work.
    pub projections: ProjectorOptions,
}

impl Reason {
    pub(crate) fn text(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// Whoever can use the configured database and log is an administrator; the record names the account.
pub(crate) fn operator() -> Operator {
    Operator {
        actor: Actor {
            id: UserId::new(Uuid::nil()),
            role: Role::Admin,
        },
        account: ACCOUNT.iter().find_map(|name| std::env::var(name).ok()),
        correlation_id: Uuid::now_v7().to_string(),
    }
}

/// Verifies without printing; the meter tells how far it is.
pub async fn verify(
    options: &VerifyOptions,
    sources: &GenerationsSources,
    meter: &Meter,
    shutdown: &Shutdown,
) -> Result<VerifyReport, GenerationsError> {
    verify::verify(options, sources, meter, shutdown).await
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
    let GenerationsSources { store, pool, .. } = sources;
    let operator = operator();
    let administrator = Administrator::new(pool, &**store, &operator);
    match command {
        ProjectionsCommand::List(options) => {
            let generations = administration::list(pool, &**store).await?;
            options.output.print(&generations, || table::render(&generations))?;
        }
        ProjectionsCommand::Rebuild(options) if options.model != ALL_MODELS => {
            return model::run(&options, sources, shutdown).await;
        }
        ProjectionsCommand::Rebuild(options) => return rebuild::run(&options, sources, shutdown).await,
        ProjectionsCommand::Verify(options) => return verify::run(&options, sources, shutdown).await,
        ProjectionsCommand::Parked(options) => return parked::list(&options, pool).await,
        ProjectionsCommand::Retry(options) => return parked::retry(&options, administrator).await,
        ProjectionsCommand::Discard(options) => return parked::discard(&options, administrator).await,
        ProjectionsCommand::ExplainLag(options) => return lag::run(&options, sources, shutdown).await,
        ProjectionsCommand::Promote(options) => {
            let administrator = administrator.because(options.reason.text());
            let acceptance = Acceptance {
                diff: options.accept_diff,
                parked: options.accept_parked,
                by: options.by,
            };
            let done = administrator.promote(&options.generation, &acceptance).await?;
            options.output.print(&done, || table::promotion(&done))?;
        }
        ProjectionsCommand::Rollback(options) => {
            let done = administrator.because(options.reason.text()).roll_back().await?;
            options.output.print(&done, || table::promotion(&done))?;
        }
        ProjectionsCommand::Drop(options) => {
            let grace = Duration::from_secs(options.grace);
            let administrator = administrator.because(options.reason.text());
            administrator.retire(&options.generation, grace).await?;
            let dropped = serde_json::json!({ "dropped": options.generation });
            options
                .output
                .print(&dropped, || format!("{} is dropped\n", options.generation))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
