//! Time travel: generations that show the log up to a cut, or a variant of it, for a while.
//!
//! [`begin`] finds one that stands already or makes one, as a rule not from the first event but from a copy of the nearest generation that
//! is saved ([`copy`]), and [`Building`] folds the rest up to the cut. [`recorded_time`] finds the cut of a time. A branch differs from the
//! log by a [`Variant`]: dropped and rewritten events; what then fits nowhere is left out and told ([`fitting`]).
//!
//! Nobody follows such a generation, and it can never serve. It is dropped when its time is over, by whoever looks
//! ([`crate::leftovers`]).

mod building;
mod copy;
mod error;
pub(crate) mod fitting;
pub mod recorded_time;
mod script;
mod standing;
mod variant;

use std::time::Duration;

use event_store::Cut;

pub use building::{Begun, Building, begin, models};
pub use error::{ScriptFault, TravelError};
pub use fitting::{Misfit, Misfits};
pub use recorded_time::{Certainty, ClockWentBack, LocatedCut, complete_token, locate};
pub use script::Script;
pub use standing::{Travel, find};
pub use variant::{Condition, Tally, Variant};

/// How many may stand at the same time: each is a copy of the read models.
pub const MOST_TRAVELS: i64 = 64;
/// The longest life.
pub const LONGEST_LIFE: Duration = Duration::from_hours(24 * 90);

/// What is wanted.
#[derive(Debug)]
pub struct Journey {
    /// Where it ends.
    pub target: Cut,
    /// For how long it is kept once it is complete.
    pub lifetime: Duration,
    /// None shows the log as it was.
    pub branch: Option<Branch>,
    /// Move the nearest as-of that stands before the target instead of copying it: it shows the new cut then, and no longer the old one. How long
    /// the log is does not matter, only how far it is from there. Where none stands, this changes nothing.
    pub extends: bool,
}

/// A what-if.
#[derive(Debug)]
pub struct Branch {
    /// Its name: lower-case letters, digits and hyphens.
    pub name: String,
    /// How it differs from the log.
    pub variant: Variant,
}

impl Branch {
    /// A name that can stand in a URL, and is never that of a schema.
    pub fn is_name(text: &str) -> bool {
        let fits = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
        (1..=40).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.chars().all(fits)
    }
}
