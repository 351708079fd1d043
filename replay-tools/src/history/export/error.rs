//! Why an export could not be written, read or brought back.

use std::io;
use std::path::{Path, PathBuf};

use event_store::StoreError;
use parquet::errors::ParquetError;

use crate::ToolError;

/// Every way in which a command about an export ends early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No manifest is there.
    #[error("{path} holds no export: it has no manifest.json")]
    None {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is used for something else.
    #[error("{path} holds other files and no manifest.json; give an empty folder, or a new one")]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes to it.
    #[error("another export writes to {path}; wait for it or give another folder")]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The manifest is of a newer version of this software.
    #[error("{path} has format version {found}, this version of the software reads up to {known}; use a newer one")]
    NewerFormat {
        /// The folder.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The newest that is understood.
        known: u32,
    },
    /// The folder holds another history.
    #[error("{path} is an export of log {found}, this is log {wanted}; give another folder")]
    OtherLog {
        /// The folder.
        path: PathBuf,
        /// Epoch of the export.
        found: String,
        /// Epoch of the configured log.
        wanted: String,
    },
    /// The folder was written with other flags.
    #[error("{path} was written with {found}; give the same --from, --types and --streams, or another folder")]
    OtherSelection {
        /// The folder.
        path: PathBuf,
        /// What it was written with.
        found: String,
    },
    /// The export leaves events out.
    #[error(
        "{path} leaves events out ({found}), so no log and no read model can be made of it; export without --from, --types and --streams"
    )]
    Partial {
        /// The folder.
        path: PathBuf,
        /// What it was written with.
        found: String,
    },
    /// A file is not what the manifest says.
    #[error("{path} is damaged: {reason}; export again, or restore the file")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The token is of another log.
    #[error("the token belongs to log {found}, this is log {wanted}")]
    OtherEpoch {
        /// Epoch of the token.
        found: String,
        /// Epoch of the configured log.
        wanted: String,
    },
    /// The log has events that are none of the export's.
    #[error(
        "the log is not empty: it holds {events} events, and {strange}; import into a new database, and on Kafka a new topic"
    )]
    NotEmpty {
        /// Events in the log.
        events: u64,
        /// What is wrong with them.
        strange: String,
    },
    /// What was imported is not what was exported.
    #[error("the log does not hold what the export holds: {reason}")]
    Unequal {
        /// Where they differ.
        reason: String,
    },
    /// The log gave no answer for too long.
    #[error("gave up after {seconds} s without progress (run the same import again to go on): {reason}")]
    GaveUp {
        /// How long nothing was answered.
        seconds: u64,
        /// What the last attempt met.
        reason: String,
    },
    /// A file or folder cannot be used.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A Parquet file cannot be written or read.
    #[error("cannot use the Parquet file {path}")]
    Parquet {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: ParquetError,
    },
    /// The database refused or is away, or holds no journal.
    #[error("the journal cannot be read (is postgres.url that of the system?)")]
    Database(#[from] sqlx::Error),
    /// The database answered something else than a row of the journal.
    #[error("the journal cannot be read: {0}")]
    NotARow(&'static str),
    /// The log refused.
    #[error("the log cannot be used")]
    Store(#[from] StoreError),
    /// Ended by a signal.
    #[error("interrupted; what is complete is kept, run the same command again to go on")]
    Interrupted,
    /// The answer could not be printed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl ExportError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::None { .. } => "export.none",
            Self::NotOurs { .. } => "export.folder-in-use",
            Self::Busy { .. } => "export.busy",
            Self::NewerFormat { .. } => "export.newer-format",
            Self::OtherLog { .. } => "export.other-log",
            Self::OtherSelection { .. } => "export.other-selection",
            Self::Partial { .. } => "export.partial",
            Self::Damaged { .. } => "export.damaged",
            Self::OtherEpoch { .. } => "export.other-epoch",
            Self::NotEmpty { .. } => "import.log-not-empty",
            Self::Unequal { .. } => "import.unequal",
            Self::GaveUp { .. } => "import.gave-up",
            Self::File { .. } => "export.file",
            Self::Parquet { .. } => "export.parquet",
            Self::Database(_) | Self::NotARow(_) => "export.database",
            Self::Store(_) => "export.log",
            Self::Interrupted => "export.interrupted",
            Self::Tool(_) => "export.not-printed",
        }
    }

    /// Was the command refused, or its answer no? Everything else could not be tried.
    pub(in crate::history) fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotOurs { .. }
                | Self::Busy { .. }
                | Self::OtherLog { .. }
                | Self::OtherSelection { .. }
                | Self::Partial { .. }
                | Self::Damaged { .. }
                | Self::OtherEpoch { .. }
                | Self::NotEmpty { .. }
                | Self::Unequal { .. }
        )
    }

    /// Has who reads the answer enough, as `head` has?
    pub(in crate::history) fn is_enough(&self) -> bool {
        matches!(self, Self::Tool(ToolError::NotPrinted(error)) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    pub(super) fn parquet(path: &Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet { path, source }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// Half of the work ended without a word, which only a panic does.
    pub(in crate::history) fn crashed(part: &'static str) -> Self {
        Self::Tool(ToolError::Crashed { part })
    }
}
