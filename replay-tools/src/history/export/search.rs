//! Looking for events in an export: `history grep` and `history stats` with `--export`.
//!
//! The columns that decide are read first, and only as far as statistics and the manifest leave a file or a row group in question. The
//! others are read where something fits.

mod condition;
mod grep;
mod stats;

use std::path::{Path, PathBuf};

use super::ExportError;
use super::columns::{ExportFile, Group};
use super::manifest::{Manifest, Segment};
use crate::history::reading::Filter;

pub(in crate::history) use grep::run as grep;
pub(in crate::history) use stats::run as stats;

/// The folder that a command was given.
fn folder(export: Option<&PathBuf>) -> Result<&Path, ExportError> {
    let none = || ExportError::None { path: PathBuf::new() };
    export.map(PathBuf::as_path).ok_or_else(none)
}

/// Calls back for every row group that may hold what is wanted, in the order of positions, with the places of the rows that fit. Ends when
/// the callback says `false`.
fn visit(
    directory: &Path,
    filter: &Filter,
    mut visitor: impl FnMut(&Group<'_>, &[usize]) -> Result<bool, ExportError>,
) -> Result<(), ExportError> {
    let manifest = Manifest::read(directory)?;
    for segment in manifest.segments.iter().filter(|segment| may_hold(filter, segment)) {
        let Some(file) = segment.events_file() else { continue };
        let file = ExportFile::open(directory, file)?;
        for number in 0..file.groups() {
            let group = file.group(number)?;
            let rows = condition::rows(&group, filter)?;
            if !rows.is_empty() && !visitor(&group, &rows)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Does the manifest leave a file in question?
fn may_hold(filter: &Filter, segment: &Segment) -> bool {
    (filter.types.is_empty() || segment.types.keys().any(|name| condition::is_of_type(filter, name)))
        && filter.is_recorded_within(segment.min_recorded_at_micros, segment.max_recorded_at_micros)
}
