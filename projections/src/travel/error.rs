//! Why somebody cannot travel.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::StreamId;
use event_store::StoreError;

use crate::error::ProjectionError;

/// Every way in which an as-of or a branch does not come about.
#[derive(Debug, thiserror::Error)]
pub enum TravelError {
    /// The token was given out by another history.
    #[error("the token belongs to another history of the log than the one that there is now")]
    TokenOfAnotherLog,
    /// The token names what is not in the log.
    #[error(
        "the cut lies behind the end of the log in partition {partition}: {next} records are wanted, {end} are there"
    )]
    BeyondEnd {
        /// The partition.
        partition: u32,
        /// What was wanted.
        next: u64,
        /// Its end.
        end: u64,
    },
    /// Nothing was recorded then that will not change.
    #[error("{at} lies in the future: by the clock of the database it is {now}")]
    InFuture {
        /// What was wanted.
        at: DateTime<Utc>,
        /// The clock.
        now: DateTime<Utc>,
    },
    /// The log did not exist.
    #[error("the log had no event at {at}; the first was recorded at {}", first.map_or_else(|| "no time yet".to_owned(), |first| first.to_string()))]
    BeforeFirst {
        /// What was wanted.
        at: DateTime<Utc>,
        /// When the first event was recorded.
        first: Option<DateTime<Utc>>,
    },
    /// The index of the log does not come to its end.
    #[error(
        "the journal does not come to the end of the log, so that no cut can be found for a time: a projector must run, which keeps it (coding-agent status)"
    )]
    JournalBehind,
    /// There is another branch of the name.
    #[error("there is a branch {name} already; drop it first: coding-agent projections drop {name}")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// It could not stand in a URL.
    #[error(
        "{name} cannot be the name of a branch: 1 to 40 lower-case letters, digits and hyphens, the first a letter"
    )]
    NameInvalid {
        /// The name.
        name: String,
    },
    /// Somebody else is at it.
    #[error("{generation} is just being built by somebody else; wait until it is complete and ask again")]
    BeingBuilt {
        /// Its schema.
        generation: String,
    },
    /// Each is a copy of the read models.
    #[error("there are {limit} generations of travels already; drop one: coding-agent projections list")]
    TooMany {
        /// How many there may be.
        limit: i64,
    },
    /// Too long a life.
    #[error("a generation may live for at most {} days", longest.as_secs() / 86_400)]
    TooLong {
        /// The longest.
        longest: Duration,
    },
    /// No such read model.
    #[error("there is no read model {name}; there are {}", known.join(", "))]
    UnknownModel {
        /// What was wanted.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// It is no condition on events.
    #[error("{text} is no condition: {reason}")]
    Condition {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The script cannot be used at all.
    #[error("the script cannot be used: {reason}")]
    ScriptUnusable {
        /// Why, with the line.
        reason: String,
    },
    /// It failed on one event.
    #[error(transparent)]
    Script(Box<ScriptFault>),
    /// The log ended before the cut, or the database or the log failed.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

/// What a script did wrong, and on which event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the script failed on event {id} ({event_type}, revision {revision} of {stream}){}: {reason}", line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct ScriptFault {
    /// The event.
    pub id: uuid::Uuid,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: StreamId,
    /// Its revision in the log.
    pub revision: u64,
    /// The line of the script, where it is in one.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl TravelError {
    /// Stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TokenOfAnotherLog => "travel.token-of-another-log",
            Self::BeyondEnd { .. } => "travel.beyond-end",
            Self::InFuture { .. } => "travel.in-future",
            Self::BeforeFirst { .. } => "travel.before-first-event",
            Self::JournalBehind => "travel.journal-behind",
            Self::NameTaken { .. } => "travel.name-taken",
            Self::NameInvalid { .. } => "travel.name-invalid",
            Self::BeingBuilt { .. } => "travel.being-built",
            Self::TooMany { .. } => "travel.too-many",
            Self::TooLong { .. } => "travel.too-long",
            Self::UnknownModel { .. } => "travel.unknown-model",
            Self::Condition { .. } => "travel.condition-invalid",
            Self::ScriptUnusable { .. } => "travel.script-unusable",
            Self::Script(_) => "travel.script-failed",
            Self::Projection(error) => error.code(),
        }
    }

    /// Is it an answer to what was asked, and not a failure?
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Projection(error) if !matches!(error, ProjectionError::Poison(_)))
    }
}

impl From<sqlx::Error> for TravelError {
    fn from(error: sqlx::Error) -> Self {
        Self::Projection(error.into())
    }
}

impl From<StoreError> for TravelError {
    fn from(error: StoreError) -> Self {
        Self::Projection(error.into())
    }
}
