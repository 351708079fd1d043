//! `history as-of` and `history branch`: the log up to a cut, or a variant of it, as read models that can be asked with GraphQL.
//!
//! The command folds the log itself, beside the running system and without disturbing it, into a generation of its own. A running query
//! service answers from it at once.

mod as_of;
mod branch;
mod place;
mod report;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use event_store::EventStore;
use platform::shutdown::Shutdown;
use projections::ProjectorOptions;
use projections::travel::{Building, TravelError};
use sqlx::PgPool;

use crate::history::COULD_NOT_CHECK;
use crate::progress::{self, Meter};
use crate::{OutputFormat, ToolError};

pub use as_of::AsOfOptions;
pub use branch::BranchOptions;
pub use place::Place;
pub use report::{Reached, TravelReport};

/// What can be shown of the past, and of what never was.
///
/// Exit code 0: it can be asked. 1: refused, with a code. 2: it could not be made.
#[derive(Debug, Clone, Subcommand)]
pub enum TravelCommand {
    /// Show all read models as they were: at a position token, or at a time.
    ///
    /// Begins with a copy of the nearest generation that is saved, and folds the rest of the log up to the cut. When the same one stands
    /// already its life is made longer. A time means the time at which the log took an event, never the event's own time. Ctrl-C
    /// leaves what was folded for an hour: the same command goes on from there.
    AsOf(AsOfOptions),
    /// Show all read models as they would be without some events, or with others.
    ///
    /// Events of a stream behind a dropped one move up; those that then fit nowhere are left out, counted and listed. A branch can
    /// never serve, and triggers nothing.
    Branch(BranchOptions),
}

/// The flags that both have.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Only these read models, as in `task,statistics`; without it all.
    #[arg(long, value_name = "MODELS", value_delimiter = ',')]
    pub models: Vec<String>,
    /// For how long it is kept: `30m`, `24h`, `7d`.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = place::duration)]
    pub ttl: Duration,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The log, its read models, and who answers from them.
#[derive(Clone)]
pub struct TravelSources {
    /// The log.
    pub store: Arc<dyn EventStore>,
    /// The database of the journal and the read models.
    pub pool: PgPool,
    /// How projectors work.
    pub projections: ProjectorOptions,
    /// Where the running system answers.
    pub url: String,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum TravelToolError {
    /// Refused with a reason, or log or database are away.
    #[error(transparent)]
    Travel(#[from] TravelError),
    /// The script cannot be read.
    #[error("cannot read {path}")]
    ScriptUnreadable {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Ended by a signal.
    #[error("interrupted; {hint}")]
    Interrupted {
        /// What is left.
        hint: &'static str,
    },
    /// The answer could not be printed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl From<sqlx::Error> for TravelToolError {
    fn from(error: sqlx::Error) -> Self {
        Self::Travel(error.into())
    }
}

/// Runs one command and prints its result. A refusal is printed with its code and is exit code 1.
pub async fn run(
    command: TravelCommand,
    sources: &TravelSources,
    shutdown: &Shutdown,
) -> Result<ExitCode, TravelToolError> {
    let outcome = match command {
        TravelCommand::AsOf(options) => as_of::run(&options, sources, shutdown).await,
        TravelCommand::Branch(options) => branch::run(&options, sources, shutdown).await,
    };
    match outcome {
        Err(TravelToolError::Travel(refused)) if refused.is_refusal() => {
            eprintln!("coding-agent: {}: {refused}", refused.code());
            Ok(ExitCode::FAILURE)
        }
        Err(TravelToolError::Interrupted { hint }) => {
            eprintln!("coding-agent: interrupted; {hint}");
            Ok(ExitCode::from(COULD_NOT_CHECK))
        }
        outcome => outcome,
    }
}

/// Folds up to the cut; the records that were folded.
async fn fold(building: &mut Building, sources: &TravelSources, meter: &Meter) -> Result<u64, TravelError> {
    let store = &*sources.store;
    let target = building.target().clone();
    let total = store.behind(&target, building.from());
    meter.begin("folding", total);
    building
        .fold(store, |read, share| {
            let step = progress::pace("folding", "folding, slowed for others", share);
            meter.set(step, total.saturating_sub(store.behind(&target, read)), total);
        })
        .await?;
    meter.set("making indexes", total, total);
    Ok(total)
}
