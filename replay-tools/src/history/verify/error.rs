//! Why something could not be checked. What is wrong with the history is a finding, not one of these.

use std::path::PathBuf;

use event_store::log::LogError;
use projections::ProjectionError;

use crate::ToolError;

/// Every way in which a verification ends without an answer.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The log refused or is away.
    #[error("the log cannot be read (is everything in section [kafka] as the system has it?)")]
    Log(#[from] LogError),
    /// No record came for too long.
    #[error(
        "partition {partition} ends at offset {end}, but offset {next} did not come within {seconds} s; try again when the brokers have rested \
         (a topic that was written with transactions can never be read to its end)"
    )]
    LogSilent {
        /// The partition.
        partition: u32,
        /// The next offset that should come.
        next: u64,
        /// Its end.
        end: u64,
        /// How long nothing came.
        seconds: u64,
    },
    /// The database refused or is away.
    #[error("the database cannot be read (is postgres.url that of the system?)")]
    Database(#[from] sqlx::Error),
    /// The database has no journal, or one of another kind.
    #[error("the database holds {found}, but log.kind says {wanted}; give the configuration that the system has")]
    WrongJournal {
        /// What is there.
        found: String,
        /// What should be there.
        wanted: &'static str,
    },
    /// The read models could not be folded for a reason that is none of the log's.
    #[error("the log could not be folded again")]
    Fold(#[source] ProjectionError),
    /// This version folds differently.
    #[error(
        "{schema} was filled by other projectors ({theirs}) than this version has ({ours}), so they cannot be compared; verify with the version \
         that fills it, or with --skip-read-models"
    )]
    OtherProjectors {
        /// The serving schema.
        schema: String,
        /// Its fingerprint.
        theirs: String,
        /// That of this version.
        ours: String,
    },
    /// The clients' log cannot be read.
    #[error("cannot read {path}")]
    ClientsUnreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A line of the clients' log is not an attempt.
    #[error(
        "{path}, line {line}: {reason}; each line must be one attempt (a line that a killed client left half written may be removed)"
    )]
    ClientsBroken {
        /// Which file.
        path: PathBuf,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// Ended by a signal.
    #[error("interrupted; nothing was left behind, run it again")]
    Interrupted,
    /// The answer could not be printed.
    #[error(transparent)]
    NotPrinted(#[from] ToolError),
}
