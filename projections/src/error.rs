//! Why projecting cannot go on.

use domain::StreamId;
use domain::stored::DecodeError;
use event_store::StoreError;

use crate::coalesce::OperationFault;
use crate::subject::SubjectFault;

/// Errors of the projector.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// Another projector wrote this part of the log, or the database lost its last writes: go on from the checkpoint.
    #[error("the checkpoint of generation {generation} was moved by another projector")]
    CheckpointMoved {
        /// The schema.
        generation: String,
    },
    /// An event that no projector can take. The generation stops: skipping it would make the tables wrong without a trace.
    #[error("event {event_type} at revision {revision} of stream {stream} cannot be projected")]
    Poison {
        /// Its stream.
        stream: StreamId,
        /// Its revision.
        revision: u64,
        /// Its type.
        event_type: String,
        /// What is wrong with it.
        #[source]
        fault: PoisonFault,
    },
    /// An administrator has dropped the last generation of these projectors.
    #[error(
        "the last generation of fingerprint {fingerprint} was dropped while it was followed: stop this version, or start it again to fill a new one"
    )]
    Dropped {
        /// Who would follow it.
        fingerprint: String,
    },
    /// The database refused or is away.
    #[error("the database of the read models failed")]
    Database(#[from] sqlx::Error),
    /// The database's tables could not be brought up to date.
    #[error("the control tables could not be migrated")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The log refused or is away.
    #[error("the log could not be followed")]
    Store(#[from] StoreError),
    /// A row of `subject` that this software did not write.
    #[error("the subject of stream {stream} in generation {generation} cannot be read")]
    CorruptSubject {
        /// The schema.
        generation: String,
        /// The stream.
        stream: String,
    },
}

/// What makes an event poison.
#[derive(Debug, thiserror::Error)]
pub enum PoisonFault {
    /// It cannot be decoded.
    #[error(transparent)]
    Undecodable(#[from] DecodeError),
    /// It does not continue its stream.
    #[error(transparent)]
    Discontinuous(#[from] SubjectFault),
    /// A projector asked for an impossible change of a row.
    #[error(transparent)]
    Operation(#[from] OperationFault),
}

impl ProjectionError {
    /// Stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CheckpointMoved { .. } => "projection.checkpoint-moved",
            Self::Poison { .. } => "projection.poison-event",
            Self::Dropped { .. } => "projection.dropped",
            Self::Database(_) | Self::Migration(_) => "projection.database",
            Self::Store(error) => error.code(),
            Self::CorruptSubject { .. } => "projection.corrupt-subject",
        }
    }

    /// Can time mend it? If not, the generation stops until a person acts.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::CheckpointMoved { .. } | Self::Store(_) => true,
            Self::Database(error) => !is_refused_by_data_or_schema(error),
            Self::Poison { .. } | Self::Migration(_) | Self::CorruptSubject { .. } | Self::Dropped { .. } => false,
        }
    }
}

/// Classes of SQLSTATE that the same statement meets again however often it is tried: bad data, broken constraints, missing tables.
fn is_refused_by_data_or_schema(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => database
            .code()
            .is_some_and(|code| ["22", "23", "42"].iter().any(|class| code.starts_with(class))),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Encode(_) => true,
        _ => false,
    }
}

/// An error with all its causes in one line, for logs.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
