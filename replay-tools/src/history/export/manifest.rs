//! `manifest.json`: what an export holds. A file that it does not name does not belong to the export.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use event_store::{Cut, LogEpoch};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ExportError;
use super::content::ContentHash;
use super::selection::Selection;

/// Version of manifest and files; a reader that meets a newer one stops.
pub(super) const FORMAT_VERSION: u32 = 1;

const NAME: &str = "manifest.json";
/// Folder of the table of all events.
pub(super) const EVENTS: &str = "events";
/// Folder of the tables of single event types.
pub(super) const TYPES: &str = "types";
/// Names of files that are being written end so.
pub(super) const PART: &str = "part";

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Of which log.
    pub log: LogIdentity,
    /// Which of its events.
    pub selection: Selection,
    /// Up to where.
    pub through: Through,
    /// How many events.
    pub events: u64,
    /// Of these, how many have no row in a typed table, because this version of the software cannot read them.
    pub unreadable_events: u64,
    /// For each partition the hash of the content of its events, whatever their order in other partitions.
    pub contents: BTreeMap<u32, ContentHash>,
    /// In the order of positions, without overlap.
    pub segments: Vec<Segment>,
}

/// Which log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogIdentity {
    /// Whether the journal is the log.
    pub kind: ExportedLog,
    /// Identity of the log.
    pub id: Uuid,
    /// Which history positions, offsets and tokens belong to.
    pub epoch: LogEpoch,
    /// Number of partitions.
    pub partitions: u32,
}

/// What the log is, as `journal.head` spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportedLog {
    /// The journal is the log: an offset is a position, and all partitions share them.
    Postgresql,
    /// A log elsewhere.
    Log,
}

/// How far an export is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Through {
    /// The last position that was looked at.
    pub position: u64,
    /// For each partition the next offset.
    pub cut: Cut,
}

/// What was written in one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Position of its first event.
    pub first_position: u64,
    /// Position of its last event.
    pub last_position: u64,
    /// Where each partition was before it.
    pub from: Cut,
    /// Where each partition is after it.
    pub to: Cut,
    /// When its first event in time happened, in microseconds since 1970.
    pub min_time_micros: i64,
    /// When its last event in time happened.
    pub max_time_micros: i64,
    /// When the log took its first event, in microseconds since 1970.
    pub min_recorded_at_micros: i64,
    /// When the log took its last event.
    pub max_recorded_at_micros: i64,
    /// How many events it has of each type.
    pub types: BTreeMap<String, u64>,
    /// Its files, the table of all events first.
    pub files: Vec<TableFile>,
}

/// One Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableFile {
    /// `events`, or the event type without its version.
    pub table: String,
    /// From the folder of the manifest.
    pub path: String,
    /// Number of rows.
    pub rows: u64,
    /// Number of row groups, each with statistics.
    pub row_groups: u64,
    /// Size.
    pub bytes: u64,
    /// SHA-256 of the file in hex.
    pub sha256: String,
}

impl Segment {
    /// How many events it has.
    pub fn events(&self) -> u64 {
        self.types.values().sum()
    }

    /// The file of all its events.
    pub(super) fn events_file(&self) -> Option<&TableFile> {
        self.files.iter().find(|file| file.table == EVENTS)
    }
}

impl Manifest {
    /// Of an export that has nothing yet.
    pub(super) fn new(log: LogIdentity, selection: Selection) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            log,
            through: Through {
                position: selection.after,
                cut: selection.from.clone(),
            },
            selection,
            events: 0,
            unreadable_events: 0,
            contents: BTreeMap::new(),
            segments: Vec::new(),
        }
    }

    /// Reads the manifest of a folder.
    pub fn read(directory: &Path) -> Result<Self, ExportError> {
        Self::find(directory)?.ok_or_else(|| ExportError::None {
            path: directory.to_owned(),
        })
    }

    /// Reads the manifest of a folder that may have none.
    pub(super) fn find(directory: &Path) -> Result<Option<Self>, ExportError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            format_version: u32,
        }
        let path = directory.join(NAME);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ExportError::file(&path)(error)),
        };
        let unreadable = |error: serde_json::Error| ExportError::damaged(&path, error.to_string());
        let Version { format_version } = serde_json::from_slice(&text).map_err(unreadable)?;
        if format_version > FORMAT_VERSION {
            return Err(ExportError::NewerFormat {
                path: directory.to_owned(),
                found: format_version,
                known: FORMAT_VERSION,
            });
        }
        let manifest: Self = serde_json::from_slice(&text).map_err(unreadable)?;
        // Whoever wrote the manifest must not make us read or remove files elsewhere.
        if let Some(file) = manifest.files().find(|file| !is_inside(&file.path)) {
            let reason = format!("{} is not a place in the export", file.path);
            return Err(ExportError::damaged(&path, reason));
        }
        Ok(Some(manifest))
    }

    /// Puts the manifest in its place: either the old one is there or the new one, whenever the machine stops.
    pub(super) fn write(&self, directory: &Path) -> Result<(), ExportError> {
        let (path, part) = (directory.join(NAME), directory.join(format!("{NAME}.{PART}")));
        let write = || -> std::io::Result<()> {
            let text = serde_json::to_vec_pretty(self)?;
            fs::write(&part, text)?;
            File::open(&part)?.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(directory)?.sync_all()
        };
        write().map_err(ExportError::file(&path))
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &TableFile> {
        self.segments.iter().flat_map(|segment| &segment.files)
    }

    /// Adds a segment that is complete and durable.
    pub(super) fn add(&mut self, segment: Segment, contents: &BTreeMap<u32, ContentHash>, unreadable: u64) {
        self.events += segment.events();
        self.unreadable_events += unreadable;
        self.through.position = segment.last_position;
        self.through.cut.merge(&segment.to);
        for (partition, hash) in contents {
            self.contents.entry(*partition).or_default().merge(*hash);
        }
        self.segments.push(segment);
    }

    /// Refuses an export that leaves events out.
    pub(in crate::history) fn check_whole(&self, directory: &Path) -> Result<(), ExportError> {
        if self.selection.is_everything() {
            return Ok(());
        }
        Err(ExportError::Partial {
            path: directory.to_owned(),
            found: self.selection.to_text(),
        })
    }

    /// Removes what an export that was killed has left behind, and nothing that is not ours.
    pub(super) fn remove_orphans(&self, directory: &Path) -> Result<u64, ExportError> {
        let named: std::collections::BTreeSet<PathBuf> = self.files().map(|file| directory.join(&file.path)).collect();
        let mut removed = 0;
        let mut waiting = vec![directory.join(EVENTS), directory.join(TYPES)];
        while let Some(folder) = waiting.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(ExportError::file(&folder)(error)),
            };
            for entry in entries {
                let path = entry.map_err(ExportError::file(&folder))?.path();
                let extension = path.extension().and_then(|extension| extension.to_str());
                if path.is_dir() {
                    waiting.push(path);
                } else if matches!(extension, Some(PART | "parquet")) && !named.contains(&path) {
                    fs::remove_file(&path).map_err(ExportError::file(&path))?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// A hash as manifests spell it.
pub(super) fn hex(hash: &[u8]) -> String {
    let mut text = String::with_capacity(2 * hash.len());
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_inside(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}
