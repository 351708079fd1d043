//! Reading the log: `tail`, `grep`, `show`, `lineage`, `stats`.
//!
//! They ask the journal, which holds every accepted event as SQL: the database finds what is wanted, and nothing else is sent. On Kafka the
//! journal follows the log by a moment; `coding-agent status` tells by how much. `tail` and `grep`
//! stream their rows; `show` and `lineage` hold one stream, or one correlation up to a bound.

mod event;
mod filter;
mod grep;
mod lineage;
mod show;
mod stats;
mod tail;

use std::io::ErrorKind;

use crate::ToolError;

pub use event::{Data, JournalEvent};
pub use filter::Filter;
pub use grep::GrepOptions;
pub use lineage::LineageOptions;
pub use show::ShowOptions;
pub use stats::StatsOptions;
pub use tail::TailOptions;

pub(super) use filter::{like, time};
pub(super) use grep::run as grep;
pub(super) use lineage::run as lineage;
pub(super) use show::run as show;
pub(super) use stats::{By, Group, run as stats, to_text as stats_to_text};
pub(super) use tail::run as tail;

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadingError {
    /// The database refused or is away, or holds no journal.
    #[error("the journal cannot be read (is postgres.url that of the system?)")]
    Database(#[from] sqlx::Error),
    /// The answer could not be printed.
    #[error(transparent)]
    NotPrinted(#[from] ToolError),
}

impl ReadingError {
    /// Has who reads the answer enough, as `head` has?
    pub(super) fn is_enough(&self) -> bool {
        matches!(self, Self::NotPrinted(ToolError::NotPrinted(error)) if error.kind() == ErrorKind::BrokenPipe)
    }
}
