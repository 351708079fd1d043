//! What an administrator does with generations: [`rebuild`] one, prove it ([`verify`](mod@verify)), [`promote`] it, go back ([`roll_back`]),
//! [`retire`] what is not needed.
//!
//! A rebuild is one more generation of the same projectors. Whoever runs the projector of its fingerprint fills it beside the one that
//! serves, keeps it level from then on, and goes on after a crash; nothing here works on events. Which generation serves is one row, so
//! promoting and going back are the same small transaction. A generation of one [`model`] alone is filled by whoever asks for it, and its
//! tables join the generation that serves.
//!
//! [`Administrator`] does the same and records it as events in the log; command line and HTTP go through it.

use chrono::{DateTime, Utc};
use domain::Refusal as _;
use domain::administration::AdministrationRefusal;

use crate::error::ProjectionError;

mod acceptance;
mod diff;
pub(crate) mod listing;
pub mod model;
pub mod parked;
mod processes;
mod promote;
mod rebuild;
mod record;
mod retire;
pub mod verify;

pub use acceptance::Acceptance;
pub use diff::diff;
pub use listing::{GenerationRecord, HeldGeneration, hold, list};
pub use model::{ModelProgress, ModelRebuild};
pub use processes::{ProcessRecord, processes};
pub use promote::{Promotion, promote, promote_accepting, roll_back};
pub use rebuild::rebuild;
pub use record::{Administrator, Operator};
pub use retire::retire;

/// Why an administrator's wish was not done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// No generation has this name, or it was dropped.
    #[error("there is no generation {generation}; `coding-agent projections list` shows them")]
    Unknown {
        /// What was asked for.
        generation: String,
    },
    /// A rebuild of the same projectors is under way.
    #[error(
        "{generation} is being built already; wait for it, or drop it with `coding-agent projections drop {generation}`"
    )]
    AlreadyBuilding {
        /// The one that is built.
        generation: String,
    },
    /// It serves already.
    #[error("{generation} serves already")]
    Serves {
        /// The generation.
        generation: String,
    },
    /// It shows the past, or what never was.
    #[error(
        "{generation} was made for time travel and can never serve; rebuild instead: coding-agent projections rebuild"
    )]
    Disposable {
        /// The generation.
        generation: String,
    },
    /// No projector follows it.
    #[error("{generation} was made for time travel and stands at its cut: nothing in it is tried again")]
    NotFollowed {
        /// The generation.
        generation: String,
    },
    /// It is not complete yet.
    #[error("{generation} is still being built; `coding-agent projections list` shows how far it is")]
    Building {
        /// The generation.
        generation: String,
    },
    /// It counts in another history than the log has now.
    #[error("{generation} was filled from another history of the log than the one that there is now; rebuild it")]
    OtherHistory {
        /// The generation.
        generation: String,
    },
    /// It shows less than what clients see now.
    #[error(
        "{generation} is {behind} records behind {serving}, and clients would see the past; a process that holds its fingerprint {fingerprint} must keep it level: start one, or rebuild"
    )]
    NotLevel {
        /// The generation.
        generation: String,
        /// Records that it lacks.
        behind: u64,
        /// What serves.
        serving: String,
        /// Who may follow it.
        fingerprint: String,
    },
    /// It shows other rows, and nobody has said that this is meant.
    #[error(
        "{generation} was filled by other projectors than {serving}: `coding-agent projections verify {generation}` shows what differs and names it; accept it with `coding-agent projections promote {generation} --accept-diff NAME`"
    )]
    DiffNotAccepted {
        /// The generation.
        generation: String,
        /// What serves.
        serving: String,
    },
    /// What was accepted is not what was shown of these two.
    #[error(
        "no difference {name} was shown between {serving} and {generation}; `coding-agent projections verify {generation}` shows the one that there is"
    )]
    DiffUnknown {
        /// What was accepted.
        name: String,
        /// The generation.
        generation: String,
        /// What serves.
        serving: String,
    },
    /// Some of its streams stand still, and nobody has said that this is meant.
    #[error(
        "{streams} streams of {generation} are parked, the first of them {first}: their rows are older than what clients see now. `coding-agent projections parked` shows them; accept them with `coding-agent projections promote {generation} --accept-parked {name}`"
    )]
    ParkedNotAccepted {
        /// The generation.
        generation: String,
        /// How many.
        streams: u64,
        /// One of them.
        first: String,
        /// By what these are accepted.
        name: String,
    },
    /// This version folds differently.
    #[error(
        "{generation} was filled by other projectors ({theirs}) than this version has ({ours}); use the version that fills it"
    )]
    OtherProjectors {
        /// The generation.
        generation: String,
        /// Its fingerprint.
        theirs: String,
        /// That of this version.
        ours: String,
    },
    /// Another generation has begun to serve meanwhile.
    #[error("{generation} does not serve any more; try again")]
    NotServing {
        /// The generation.
        generation: String,
    },
    /// There is no such read model.
    #[error("there is no read model {model}; there are {known}")]
    UnknownModel {
        /// What was asked for.
        model: String,
        /// What can be asked for.
        known: String,
    },
    /// Somebody reads the table that is to be exchanged, or the projector does not come to an end.
    #[error(
        "the tables of {serving} are in use by somebody who does not come to an end, such as a verification; nothing was changed, try again"
    )]
    InUse {
        /// What serves.
        serving: String,
    },
    /// There is nothing to go back to.
    #[error("no other generation has served before that still exists")]
    NothingBefore,
    /// Nothing serves yet.
    #[error("no generation serves yet; start a projector first")]
    NothingServes,
    /// It has served until a moment ago.
    #[error(
        "{generation} served until a moment ago and could be needed to go back; drop it after {after}, or shorten --grace"
    )]
    InGrace {
        /// The generation.
        generation: String,
        /// From when on it may be dropped.
        after: DateTime<Utc>,
    },
    /// Somebody still reads its tables.
    #[error("the tables of {generation} are still being read; try again")]
    StillRead {
        /// The generation.
        generation: String,
    },
    /// The stream does not stand still.
    #[error("stream {stream} is not parked; `coding-agent projections parked` shows those that are")]
    NotParked {
        /// The stream.
        stream: String,
    },
    /// Whoever gives an event up says why.
    #[error("a reason of 1 to 1,000 characters is needed")]
    Reason,
    /// The record of what administrators do does not take it.
    #[error(transparent)]
    Record(AdministrationRefusal),
    /// The database or the log failed.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
}

impl AdministrationError {
    /// Stable code, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "generation.unknown",
            Self::AlreadyBuilding { .. } => "generation.already-building",
            Self::Serves { .. } => "generation.serves",
            Self::Disposable { .. } => "generation.disposable",
            Self::NotFollowed { .. } => "generation.not-followed",
            Self::Building { .. } => "generation.building",
            Self::OtherHistory { .. } => "generation.other-history",
            Self::NotLevel { .. } => "generation.not-level",
            Self::DiffNotAccepted { .. } => "generation.diff-not-accepted",
            Self::DiffUnknown { .. } => "generation.diff-unknown",
            Self::ParkedNotAccepted { .. } => "generation.parked-not-accepted",
            Self::OtherProjectors { .. } => "generation.other-projectors",
            Self::NotServing { .. } => "generation.not-serving",
            Self::UnknownModel { .. } => "model.unknown",
            Self::InUse { .. } => "generation.in-use",
            Self::NothingBefore => "generation.nothing-before",
            Self::NothingServes => "generation.nothing-serves",
            Self::InGrace { .. } => "generation.in-grace",
            Self::NotParked { .. } => "generation.not-parked",
            Self::Reason => "generation.reason",
            Self::StillRead { .. } => "generation.still-read",
            Self::Record(refusal) => refusal.code(),
            Self::Projection(error) => error.code(),
        }
    }
}

impl From<sqlx::Error> for AdministrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Projection(error.into())
    }
}
