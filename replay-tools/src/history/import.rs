//! `history import`: an export becomes the history of an empty log, commit by commit.
//!
//! Streams, revisions, event ids, commands with their hashes, actors and correlation, data and times come out equal, and what one commit was
//! is one commit again; at the end the content of the log is hashed and compared with the manifest. The log gives its own offsets, positions
//! and times of recording. On PostgreSQL positions are equal too, since commits are written in their order.
//!
//! Importing again goes on after an interruption: what is there is recognised, event by event.

mod batches;
mod known;
mod writing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use event_store::EventStore;
use platform::shutdown::Shutdown;
use serde::Serialize;
use sqlx::PgPool;

use super::export::{self, ContentHash, ExportError, ExportReader, Manifest};
use crate::OutputFormat;
use crate::progress::{self, Meter};
use batches::Batches;
use known::Known;
use writing::Writer;

/// Without progress for so long the import ends; it can be started again.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The flags of `history import`.
#[derive(Debug, Clone, Args)]
pub struct ImportOptions {
    /// The folder of an export that leaves nothing out.
    #[arg(value_name = "DIR")]
    pub from: PathBuf,
    /// Only check the files against the manifest; the log is not touched.
    #[arg(long)]
    pub check: bool,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// The log that is to be filled.
#[derive(Clone)]
pub struct ImportTarget {
    /// Empty, or with a part of the same import. On a log elsewhere a journaler must run.
    pub store: Arc<dyn EventStore>,
    /// The database of its journal.
    pub pool: PgPool,
}

/// What was imported.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Events in the export, which are those of the log now.
    pub events: u64,
    /// Commits that this run has written.
    pub commits: u64,
    /// Events that an earlier run had written.
    pub already_there: u64,
    /// The hash of the content, the same on both sides; of each partition when both have the same number of them.
    pub contents: BTreeMap<String, ContentHash>,
    /// How long it took.
    pub seconds: f64,
}

/// Imports, checks and prints.
pub async fn run(options: &ImportOptions, target: &ImportTarget, shutdown: &Shutdown) -> Result<ExitCode, ExportError> {
    let meter = Meter::default();
    let imported = tokio::select! {
        imported = imported(&options.from, target, &meter) => imported?,
        () = shutdown.requested() => return Err(ExportError::Interrupted),
        () = progress::show(options.output, &meter) => return Err(ExportError::Interrupted),
    };
    options.output.print(&imported, || {
        let hash = imported.contents.get("all").map(ToString::to_string).unwrap_or_default();
        format!(
            "{} events imported in {:.1} s ({} commits now, {} events before); the content of the log is that of the export: {hash}\n",
            imported.events, imported.seconds, imported.commits, imported.already_there
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Checks the files of an export and prints; the log is not needed.
pub(super) fn check(options: &ImportOptions) -> Result<ExitCode, ExportError> {
    let manifest = Manifest::read(&options.from)?;
    export::check_files(&options.from, &manifest, &Meter::default())?;
    let (files, bytes): (Vec<_>, Vec<u64>) = manifest.files().map(|file| (&file.path, file.bytes)).unzip();
    let answer = serde_json::json!({
        "files": files.len(), "bytes": bytes.iter().sum::<u64>(), "events": manifest.events, "through": manifest.through,
    });
    options.output.print(&answer, || {
        format!(
            "{} files with {} events are what the manifest says\n",
            files.len(),
            manifest.events
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Imports without printing.
pub async fn import(directory: &Path, target: &ImportTarget) -> Result<Imported, ExportError> {
    imported(directory, target, &Meter::default()).await
}

async fn imported(directory: &Path, target: &ImportTarget, meter: &Meter) -> Result<Imported, ExportError> {
    let started = Instant::now();
    let manifest = Arc::new(Manifest::read(directory)?);
    manifest.check_whole(directory)?;
    check_files(directory, &manifest).await?;
    level(target).await?;
    let known = Known::find(directory, &manifest, &target.pool).await?;
    let already_there = known.events();

    meter.begin("importing", manifest.events);
    let reader = ExportReader::new(directory, &manifest, |_| true).unchecked();
    let mut batches = Batches::start(reader, manifest.log.kind);
    let mut writer = Writer::new(target.store.clone(), known);
    while let Some(batch) = batches.next().await? {
        let events = batch.iter().map(Vec::len).sum::<usize>() as u64;
        writer.write(batch, &target.pool).await?;
        meter.advance(events);
    }
    level(target).await?;
    Ok(Imported {
        events: manifest.events,
        commits: writer.commits(),
        already_there,
        contents: compare(&manifest, target, meter).await?,
        seconds: started.elapsed().as_secs_f64(),
    })
}

async fn check_files(directory: &Path, manifest: &Arc<Manifest>) -> Result<(), ExportError> {
    let (directory, manifest) = (directory.to_owned(), Arc::clone(manifest));
    tokio::task::spawn_blocking(move || export::check_files(&directory, &manifest, &Meter::default()))
        .await
        .map_err(|_| ExportError::crashed("check of the files"))?
}

/// Waits until the journal has everything that is in the log.
async fn level(target: &ImportTarget) -> Result<(), ExportError> {
    let mut moved = Instant::now();
    let mut last = None;
    loop {
        let end = target.store.end().await?;
        let reached = export::journal_cut(&target.pool).await?;
        if reached.covers(&end) {
            return Ok(());
        }
        if last.as_ref() != Some(&reached) {
            (last, moved) = (Some(reached), Instant::now());
        } else if moved.elapsed() > PATIENCE {
            return Err(ExportError::GaveUp {
                seconds: PATIENCE.as_secs(),
                reason: "the journal does not follow the log".to_owned(),
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Hashes the log and holds it against the manifest.
async fn compare(
    manifest: &Manifest,
    target: &ImportTarget,
    meter: &Meter,
) -> Result<BTreeMap<String, ContentHash>, ExportError> {
    let contents = export::contents(&target.pool, meter).await?;
    if contents.events() != manifest.events {
        return Err(ExportError::Unequal {
            reason: format!(
                "it has {} events, the export has {}",
                contents.events(),
                manifest.events
            ),
        });
    }
    let found = contents.into_hashes();
    if manifest.log.partitions == target.store.partitions() {
        let differs = manifest
            .contents
            .iter()
            .find(|(partition, hash)| found.get(partition) != Some(hash));
        if let Some((partition, _)) = differs {
            return Err(ExportError::Unequal {
                reason: format!("the events of partition {partition} differ"),
            });
        }
    }
    let all = export::total(&found);
    if all != export::total(&manifest.contents) {
        return Err(ExportError::Unequal {
            reason: "their events differ".to_owned(),
        });
    }
    let mut named: BTreeMap<String, ContentHash> = found
        .into_iter()
        .map(|(partition, hash)| (partition.to_string(), hash))
        .collect();
    named.insert("all".to_owned(), all);
    Ok(named)
}
