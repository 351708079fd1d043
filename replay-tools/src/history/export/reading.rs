//! Reading an export back: its events in the order of positions, a few thousand at a time.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use event_store::RecordedEvent;
use sha2::{Digest as _, Sha256};

use super::ExportError;
use super::columns::{EventColumns, ExportFile};
use super::manifest::{Manifest, Segment, TableFile, hex};
use crate::progress::Meter;

/// Events that are read in one go.
const CHUNK: usize = 2_048;

/// Checks size and hash of every file.
pub(in crate::history) fn check_files(directory: &Path, manifest: &Manifest, meter: &Meter) -> Result<(), ExportError> {
    meter.begin("checking files", manifest.files().map(|file| file.rows).sum());
    for file in manifest.files() {
        check_file(directory, file)?;
        meter.advance(file.rows);
    }
    Ok(())
}

/// Checks size and hash of a file.
pub(super) fn check_file(directory: &Path, file: &TableFile) -> Result<(), ExportError> {
    let path = directory.join(&file.path);
    let read = || -> std::io::Result<(u64, String)> {
        let mut opened = File::open(&path)?;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 18]);
        loop {
            let read = opened.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hash.update(piece);
            bytes += read as u64;
        }
        Ok((bytes, hex(&hash.finalize())))
    };
    let (bytes, sha256) = read().map_err(ExportError::file(&path))?;
    if bytes != file.bytes {
        return Err(ExportError::damaged(
            &path,
            format!("it has {bytes} bytes, the manifest says {}", file.bytes),
        ));
    }
    if sha256 != file.sha256 {
        return Err(ExportError::damaged(
            &path,
            format!("its SHA-256 is {sha256}, the manifest says {}", file.sha256),
        ));
    }
    Ok(())
}

/// All events of an export. Files are checked before they are read.
pub(in crate::history) struct ExportReader {
    directory: PathBuf,
    segments: std::vec::IntoIter<Segment>,
    file: Option<ExportFile>,
    next_group: usize,
    columns: Option<(EventColumns, usize)>,
    checks: bool,
}

impl ExportReader {
    /// Begins with the first segment that `wanted` wants.
    pub(in crate::history) fn new(directory: &Path, manifest: &Manifest, wanted: impl Fn(&Segment) -> bool) -> Self {
        let segments: Vec<Segment> = manifest
            .segments
            .iter()
            .filter(|segment| wanted(segment))
            .cloned()
            .collect();
        Self {
            directory: directory.to_owned(),
            segments: segments.into_iter(),
            file: None,
            next_group: 0,
            columns: None,
            checks: true,
        }
    }

    /// For files that were checked before.
    pub(in crate::history) fn unchecked(mut self) -> Self {
        self.checks = false;
        self
    }

    /// The next events; nothing at the end.
    pub(in crate::history) fn next(&mut self) -> Result<Option<Vec<RecordedEvent>>, ExportError> {
        loop {
            if let (Some((columns, left)), Some(file)) = (&mut self.columns, &self.file)
                && *left > 0
            {
                let events = columns.next(CHUNK.min(*left), file.path())?;
                *left = left.saturating_sub(events.len());
                if events.is_empty() {
                    return Err(ExportError::damaged(file.path(), "it has fewer rows than it says"));
                }
                return Ok(Some(events));
            }
            if let Some(file) = self.file.as_ref().filter(|file| self.next_group < file.groups()) {
                let group = file.group(self.next_group)?;
                self.columns = Some((EventColumns::of(&group)?, group.rows()));
                self.next_group += 1;
                continue;
            }
            let Some(segment) = self.segments.next() else {
                return Ok(None);
            };
            if let Some(file) = segment.events_file() {
                if self.checks {
                    check_file(&self.directory, file)?;
                }
                self.file = Some(ExportFile::open(&self.directory, file)?);
                self.next_group = 0;
                self.columns = None;
            }
        }
    }
}
