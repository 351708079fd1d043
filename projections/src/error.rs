//! Why projecting cannot go on.

use domain::StreamId;
use domain::stored::DecodeError;
use event_store::{Cut, RecordedEvent, StoreError};

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
    /// An event that no projector can take. Its stream is parked before it; skipping it would make the tables wrong without a trace.
    #[error("event {} at revision {} of stream {} cannot be projected", .0.event.event_type, .0.event.revision, .0.event.stream)]
    Poison(#[source] Box<Poison>),
    /// More streams are parked than a generation may have: something is wrong with more than some events.
    #[error(
        "{parked} streams of generation {generation} are parked, which is the most that may be: see `coding-agent projections parked`, mend the cause, and start again"
    )]
    TooManyParked {
        /// The schema.
        generation: String,
        /// How many.
        parked: u64,
    },
    /// The database refused the rows of many events at once; the one that it refuses is looked for.
    #[error("the database refused rows of generation {generation}")]
    Refused {
        /// The schema.
        generation: String,
        /// The end of what was to be written.
        to: Cut,
        /// What it said.
        #[source]
        refusal: sqlx::Error,
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

/// An event and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub struct Poison {
    /// Which one.
    pub event: EventName,
    /// What is wrong with it.
    pub fault: PoisonFault,
}

/// Which event, and where in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventName {
    /// Its stream.
    pub stream: StreamId,
    /// Its revision.
    pub revision: u64,
    /// Its type.
    pub event_type: String,
    /// Its partition.
    pub partition: u32,
    /// Its record's offset.
    pub offset: u64,
}

impl EventName {
    /// Names an event.
    pub fn of(event: &RecordedEvent) -> Self {
        Self {
            stream: event.stream.clone(),
            revision: event.revision,
            event_type: event.event_type.clone(),
            partition: event.at.partition,
            offset: event.at.offset,
        }
    }
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
    /// A projector panicked.
    #[error("a projector panicked: {0}")]
    Panicked(String),
    /// The database does not take the rows that it makes.
    #[error("the database refuses its rows: {0}")]
    Refused(String),
    /// The process ended while it was projected, as it had before.
    #[error("the process ended while the event was projected")]
    Crashed,
}

impl PoisonFault {
    /// Stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Undecodable(_) => "poison.undecodable",
            Self::Discontinuous(_) => "poison.discontinuous",
            Self::Operation(_) => "poison.operation",
            Self::Panicked(_) => "poison.panicked",
            Self::Refused(_) => "poison.refused",
            Self::Crashed => "poison.crashed",
        }
    }
}

impl ProjectionError {
    pub(crate) fn poison(event: EventName, fault: impl Into<PoisonFault>) -> Self {
        Self::Poison(Box::new(Poison {
            event,
            fault: fault.into(),
        }))
    }
}

impl ProjectionError {
    /// Stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CheckpointMoved { .. } => "projection.checkpoint-moved",
            Self::Poison(_) => "projection.poison-event",
            Self::TooManyParked { .. } => "projection.too-many-parked",
            Self::Refused { .. } => "projection.refused",
            Self::Dropped { .. } => "projection.dropped",
            Self::Database(_) | Self::Migration(_) => "projection.database",
            Self::Store(error) => error.code(),
            Self::CorruptSubject { .. } => "projection.corrupt-subject",
        }
    }

    /// What the database says is wrong, when it is the database that says so.
    pub(crate) fn sqlstate(&self) -> Option<String> {
        let Self::Database(error) = self else { return None };
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
        Some(code.into_owned())
    }

    /// Can time mend it? If not, the generation stops until a person acts.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::CheckpointMoved { .. } | Self::Store(_) | Self::Poison(_) | Self::Refused { .. } => true,
            Self::Database(error) => !is_refused_by_data_or_schema(error),
            Self::TooManyParked { .. } | Self::Migration(_) | Self::CorruptSubject { .. } | Self::Dropped { .. } => {
                false
            }
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

/// Does the database refuse the data itself? Then some event makes rows that it will never take.
pub(crate) fn is_refused_by_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| ["22", "23"].iter().any(|class| code.starts_with(class)))
}

/// Did somebody else hold a lock for longer than this one waits?
pub(crate) fn is_lock_not_available(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("55P03")
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
