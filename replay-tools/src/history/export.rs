//! `history export`: the accepted events as Parquet, for analysts, for archives, and to make logs and read models of.
//!
//! An export is a folder: `events/` is the table of all events, `types/TYPE/` one table for each event type whose columns are the fields of
//! its data, and `manifest.json` says what belongs to it. Files are complete and durable before the manifest names them, so an export is
//! whole whenever it is killed; the next run removes what is not named and goes on from there. The same log gives the same files.
//!
//! [`writing`] makes one; [`reading`] reads it back; [`store`] puts it before a log; [`search`] looks for events in it.

mod columns;
mod content;
mod contents;
mod error;
mod folder;
mod journal;
mod manifest;
mod reading;
mod row;
pub(in crate::history) mod search;
mod selection;
mod store;
mod table;
mod tables;
mod writing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use platform::shutdown::Shutdown;
use sqlx::PgPool;

use crate::OutputFormat;
use crate::progress::{self, Meter};

pub use content::ContentHash;
pub use error::ExportError;
pub use manifest::{ExportedLog, LogIdentity, Manifest, Segment, TableFile, Through};
pub use selection::{Edge, Selection};
pub use store::ExportedStore;
pub use writing::{Exported, export};

pub(in crate::history) use content::total;
pub(in crate::history) use contents::{contents, event_count, journal_cut};
pub(in crate::history) use reading::{ExportReader, check_files};

/// The flags of `history export`.
#[derive(Debug, Clone, Args)]
pub struct ExportOptions {
    /// The folder: a new or empty one, or that of an earlier export, to which what is new is added.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Begin with this position, at the cut of this token, or with what the log took at this time.
    #[arg(long, value_name = "CUT|TIME")]
    pub from: Option<Edge>,
    /// End before this position, at the cut of this token, or before what the log took at this time. A later run goes on from there.
    #[arg(long, value_name = "CUT|TIME")]
    pub until: Option<Edge>,
    /// Only events of these types, with or without version; `*` stands for anything: `task.created,conversation.*`.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only events of these streams (`task-<uuid>`) or categories (`task`).
    #[arg(long, value_name = "STREAMS", value_delimiter = ',')]
    pub streams: Vec<String>,
    /// Most events in one file; large events make files of fewer.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub segment_events: u64,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

pub(super) async fn run(options: &ExportOptions, pool: &PgPool, shutdown: &Shutdown) -> Result<ExitCode, ExportError> {
    let meter = Meter::default();
    let exported = tokio::select! {
        exported = writing::exported(options, pool, shutdown, &meter) => exported?,
        () = progress::show(options.output, &meter) => return Err(ExportError::Interrupted),
    };
    options.output.print(&exported, || {
        format!(
            "{} events added in {:.1} s; {} holds {} events in {} files of {:.1} MB, through position {}\n{}",
            exported.events,
            exported.seconds,
            options.to.display(),
            exported.events_in_all,
            exported.files,
            mebibytes(exported.bytes),
            exported.through,
            if exported.unreadable_events == 0 {
                String::new()
            } else {
                format!(
                    "{} of them are of types that this version cannot read: they are in events/ only\n",
                    exported.unreadable_events
                )
            }
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// For people.
#[expect(clippy::cast_precision_loss, reason = "no file is so large")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
