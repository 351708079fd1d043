//! Writing an export: the journal is read once, and two threads make files of it, one the table of all events, the other the typed tables.

use std::collections::BTreeMap;
use std::path::Path;

use event_store::Cut;
use platform::shutdown::Shutdown;
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::ExportError;
use super::content::{ContentHash, Contents};
use super::journal::{self, Copying, Piece, WAITING_BATCHES};
use super::manifest::{ExportedLog, LogIdentity, Manifest, Segment, TableFile};
use super::row::{Row, Rows};
use super::selection::{self, Selection};
use super::tables::{EventsTable, TypedTables};
use super::{ExportOptions, folder};
use crate::progress::Meter;

/// What one run has added, and what there is.
#[derive(Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// Events added by this run.
    pub events: u64,
    /// Events in the export.
    pub events_in_all: u64,
    /// The last position that it covers.
    pub through: u64,
    /// Files in the export.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Events without a row in a typed table.
    pub unreadable_events: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Brings the export in the folder up to the end of the log, or to `--until`.
pub async fn export(options: &ExportOptions, pool: &PgPool, shutdown: &Shutdown) -> Result<Exported, ExportError> {
    exported(options, pool, shutdown, &Meter::default()).await
}

pub(super) async fn exported(
    options: &ExportOptions,
    pool: &PgPool,
    shutdown: &Shutdown,
    meter: &Meter,
) -> Result<Exported, ExportError> {
    let started = std::time::Instant::now();
    let directory = &options.to;
    let _lock = folder::take(directory)?;
    let mut snapshot = journal::snapshot(pool).await?;
    let (log, end) = journal::head(&mut snapshot).await?;
    let mut manifest = match Manifest::find(directory)? {
        Some(manifest) => manifest,
        None => Manifest::new(log, select(options, &log, end, &mut snapshot).await?),
    };
    check(&manifest, options, &log, end, &mut snapshot).await?;
    manifest.remove_orphans(directory)?;

    let through = match &options.until {
        Some(until) => until.last_position(&log, end, &mut snapshot).await?,
        None => end,
    };
    let covered = match log.kind {
        // Fences and what is void lie behind the last event.
        ExportedLog::Log if through == end => journal::checkpoints(&mut snapshot).await?,
        _ => selection::cut_after(through, &log, &mut snapshot).await?,
    };
    let before = manifest.events;
    let after = manifest.through.position;
    meter.begin("exporting", through.saturating_sub(after));
    let (to_events, for_events) = mpsc::channel(WAITING_BATCHES);
    let (to_typed, for_typed) = mpsc::channel(WAITING_BATCHES);
    let (events_done, mut events) = mpsc::channel(1);
    let (typed_done, mut typed) = mpsc::channel(1);
    let condition = manifest.selection.condition();
    let copying = Copying {
        after,
        through,
        condition: &condition,
        segment_events: options.segment_events,
        writers: vec![to_events, to_typed],
        meter,
    };
    let folder = directory.clone();
    let starts = manifest.through.cut.clone();
    let events_writer =
        tokio::task::spawn_blocking(move || write_events(&folder, &log, starts, for_events, &events_done));
    let folder = directory.clone();
    let typed_writer = tokio::task::spawn_blocking(move || write_typed(&folder, for_typed, &typed_done));
    let collected = async {
        // Both have seen the same rows, so their segments are the same.
        let mut kept = Ok(());
        while let (Ok(()), Some(mut all), Some(single)) = (&kept, events.recv().await, typed.recv().await) {
            all.files.extend(single.files);
            manifest.add(all, &single.contents, single.unreadable);
            kept = manifest.write(directory);
        }
        // However it ended, no writer may wait for somebody who takes its segment.
        events.close();
        typed.close();
        kept
    };
    let worked = async {
        let (copied, collected) = tokio::join!(copying.run(&mut snapshot), collected);
        // Why a writer has gone says more than that it has.
        events_writer.await.map_err(|_| ExportError::crashed("writer"))??;
        typed_writer.await.map_err(|_| ExportError::crashed("writer"))??;
        copied.and(collected)
    };
    tokio::select! {
        worked = worked => worked?,
        () = shutdown.requested() => return Err(ExportError::Interrupted),
    }
    if through >= manifest.through.position {
        manifest.through.position = through;
        manifest.through.cut.merge(&covered);
    }
    manifest.write(directory)?;
    snapshot.rollback().await?;
    Ok(Exported {
        events: manifest.events - before,
        events_in_all: manifest.events,
        through: manifest.through.position,
        files: manifest.files().count() as u64,
        bytes: manifest.files().map(|file| file.bytes).sum(),
        unreadable_events: manifest.unreadable_events,
        seconds: started.elapsed().as_secs_f64(),
    })
}

async fn select(
    options: &ExportOptions,
    log: &LogIdentity,
    end: u64,
    connection: &mut sqlx::PgConnection,
) -> Result<Selection, ExportError> {
    let after = match &options.from {
        Some(from) => from.last_position(log, end, connection).await?,
        None => 0,
    };
    Ok(Selection {
        after,
        from: selection::cut_after(after, log, connection).await?,
        types: options.types.clone(),
        streams: options.streams.clone(),
    })
}

/// Does what is there belong to the same log, and was it written with the same flags?
async fn check(
    manifest: &Manifest,
    options: &ExportOptions,
    log: &LogIdentity,
    end: u64,
    connection: &mut sqlx::PgConnection,
) -> Result<(), ExportError> {
    let path = options.to.clone();
    // A log whose end lies below the export has lost what was exported, whatever it says it is.
    if manifest.log != *log || manifest.through.position > end {
        let name = |log: &LogIdentity| log.epoch.0.to_string();
        return Err(ExportError::OtherLog {
            path,
            found: format!("{} through position {}", name(&manifest.log), manifest.through.position),
            wanted: format!("{} through position {end}", name(log)),
        });
    }
    let wanted = select(options, log, end, connection).await?;
    // Without flags a run goes on with those of the first.
    if wanted != manifest.selection && !wanted.is_everything() {
        return Err(ExportError::OtherSelection {
            path,
            found: manifest.selection.to_text(),
        });
    }
    Ok(())
}

/// The name of the files of a segment, so that names in order are positions in order.
fn file_name(first: i64, last: i64) -> String {
    format!("{first:015}-{last:015}.parquet")
}

/// What is known of a segment while its rows pass.
struct Passing {
    first: i64,
    last: i64,
    from: Cut,
    to: Cut,
    time: (i64, i64),
    recorded_at: (i64, i64),
    types: BTreeMap<String, u64>,
}

impl Passing {
    fn new(from: Cut) -> Self {
        Self {
            first: 0,
            last: 0,
            to: from.clone(),
            from,
            time: (i64::MAX, i64::MIN),
            recorded_at: (i64::MAX, i64::MIN),
            types: BTreeMap::new(),
        }
    }

    fn note(&mut self, row: &Row<'_>, log: &LogIdentity) {
        if self.first == 0 {
            self.first = row.position;
        }
        self.last = row.position;
        if log.kind == ExportedLog::Log {
            let partition = u32::try_from(row.partition).unwrap_or_default();
            self.to
                .raise(partition, u64::try_from(row.offset).unwrap_or_default() + 1);
        }
        self.time = (self.time.0.min(row.time), self.time.1.max(row.time));
        self.recorded_at = (
            self.recorded_at.0.min(row.recorded_at),
            self.recorded_at.1.max(row.recorded_at),
        );
        match self.types.get_mut(row.event_type) {
            Some(count) => *count += 1,
            None => {
                self.types.insert(row.event_type.to_owned(), 1);
            }
        }
    }

    fn into_segment(mut self, log: &LogIdentity, file: Option<TableFile>) -> Segment {
        let position = |position| u64::try_from(position).unwrap_or_default();
        if log.kind == ExportedLog::Postgresql {
            for partition in 0..log.partitions {
                self.to.raise(partition, position(self.last) + 1);
            }
        }
        Segment {
            first_position: position(self.first),
            last_position: position(self.last),
            from: self.from,
            to: self.to,
            min_time_micros: self.time.0,
            max_time_micros: self.time.1,
            min_recorded_at_micros: self.recorded_at.0,
            max_recorded_at_micros: self.recorded_at.1,
            types: self.types,
            files: file.into_iter().collect(),
        }
    }
}

fn write_events(
    directory: &Path,
    log: &LogIdentity,
    from: Cut,
    mut pieces: mpsc::Receiver<Piece>,
    done: &mpsc::Sender<Segment>,
) -> Result<(), ExportError> {
    let mut passing = Passing::new(from);
    let mut table = EventsTable::new(directory);
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Rows(bytes) => {
                for row in Rows::of(&bytes) {
                    let row = row?;
                    passing.note(&row, log);
                    table.add(&row)?;
                }
            }
            Piece::End => {
                let written = std::mem::replace(&mut table, EventsTable::new(directory));
                let file = written.finish(&file_name(passing.first, passing.last))?;
                let segment = passing.into_segment(log, file);
                passing = Passing::new(segment.to.clone());
                if done.blocking_send(segment).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The typed tables of a segment, and the hash of its content, so that both threads have about as much to do.
struct TypedSegment {
    files: Vec<TableFile>,
    contents: BTreeMap<u32, ContentHash>,
    unreadable: u64,
}

fn write_typed(
    directory: &Path,
    mut pieces: mpsc::Receiver<Piece>,
    done: &mpsc::Sender<TypedSegment>,
) -> Result<(), ExportError> {
    let mut tables = TypedTables::new(directory);
    let mut contents = Contents::default();
    let mut range: Option<(i64, i64)> = None;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Rows(bytes) => {
                for row in Rows::of(&bytes) {
                    let row = row?;
                    let (first, _) = range.unwrap_or((row.position, row.position));
                    range = Some((first, row.position));
                    contents.add(&row);
                    tables.add(&row)?;
                }
            }
            Piece::End => {
                let written = std::mem::replace(&mut tables, TypedTables::new(directory));
                let (first, last) = range.take().unwrap_or_default();
                let segment = TypedSegment {
                    unreadable: written.unreadable,
                    files: written.finish(&file_name(first, last))?,
                    contents: std::mem::take(&mut contents).into_hashes(),
                };
                if done.blocking_send(segment).is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}
