//! An event store whose old part is read from an export: who follows from before the export's end gets its events first, then the log's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;
use event_store::{
    AppendToStreamOptions, Basis, Commit, CommitOutcome, Cut, EventStore, Follow, FollowBatch, LoadedStream, LogEpoch,
    LogPosition, NewEvent, Position, ReadAllOptions, ReadStreamOptions, RecordedEvent, RecordedRejection, StoreError,
    WriteResult,
};
use tokio::sync::mpsc;

use super::ExportError;
use super::manifest::{ExportedLog, Manifest};
use super::reading::ExportReader;

/// Events of a batch; a record of the log is never cut in two.
const BATCH: usize = 2_048;
/// Batches that are read ahead.
const AHEAD: usize = 2;

/// A store, with an export of it before it. Everything but following goes to the store.
pub struct ExportedStore {
    store: Arc<dyn EventStore>,
    directory: PathBuf,
    manifest: Arc<Manifest>,
}

impl ExportedStore {
    /// Puts the export in `directory` before the store. Refuses an export of another log, and one that leaves events out.
    ///
    /// The hash of each file is checked when it is read.
    pub fn open(store: Arc<dyn EventStore>, directory: &Path) -> Result<Self, ExportError> {
        let manifest = Manifest::read(directory)?;
        manifest.check_whole(directory)?;
        if manifest.log.epoch != store.epoch() || manifest.log.partitions != store.partitions() {
            return Err(ExportError::OtherLog {
                path: directory.to_owned(),
                found: manifest.log.epoch.0.to_string(),
                wanted: store.epoch().0.to_string(),
            });
        }
        Ok(Self {
            store,
            directory: directory.to_owned(),
            manifest: Arc::new(manifest),
        })
    }

    /// Where the export ends and the log goes on.
    pub fn cut(&self) -> &Cut {
        &self.manifest.through.cut
    }

    fn follow_export(&self, from: Cut, partitions: BTreeSet<u32>) -> ExportFollow {
        let (to_follower, batches) = mpsc::channel(AHEAD);
        let through = self.manifest.through.cut.of_partitions(&partitions);
        let pieces = Pieces {
            reader: ExportReader::new(&self.directory, &self.manifest, |segment| {
                !from.covers(&segment.to.of_partitions(&partitions))
            }),
            from: from.clone(),
            kind: self.manifest.log.kind,
            partitions: partitions.clone(),
        };
        tokio::task::spawn_blocking(move || pieces.send(&to_follower));
        ExportFollow {
            store: Arc::clone(&self.store),
            partitions,
            export: Some(batches),
            next: from,
            through,
            log: None,
        }
    }
}

/// Reads an export on a thread of its own.
struct Pieces {
    reader: ExportReader,
    from: Cut,
    kind: ExportedLog,
    partitions: BTreeSet<u32>,
}

impl Pieces {
    /// Until the end, or until nobody listens.
    fn send(mut self, follower: &mpsc::Sender<Result<FollowBatch, ExportError>>) {
        let mut waiting: Vec<RecordedEvent> = Vec::new();
        loop {
            let read = match self.reader.next() {
                Ok(Some(events)) => events,
                Ok(None) => break,
                Err(error) => {
                    let _ = follower.blocking_send(Err(error));
                    return;
                }
            };
            for event in read {
                let begins_record = waiting
                    .last()
                    .is_some_and(|last| (last.at.partition, last.at.offset) != (event.at.partition, event.at.offset));
                if begins_record && waiting.len() >= BATCH {
                    let batch = self.batch(std::mem::take(&mut waiting));
                    if follower.blocking_send(Ok(batch)).is_err() {
                        return;
                    }
                }
                waiting.push(event);
            }
        }
        if !waiting.is_empty() {
            let _ = follower.blocking_send(Ok(self.batch(waiting)));
        }
    }

    fn batch(&self, mut events: Vec<RecordedEvent>) -> FollowBatch {
        let mut cut = Cut::start();
        for event in &events {
            match self.kind {
                ExportedLog::Log => cut.raise(event.at.partition, event.at.offset + 1),
                // One sequence of offsets for all partitions.
                ExportedLog::Postgresql => {
                    for partition in &self.partitions {
                        cut.raise(*partition, event.at.offset + 1);
                    }
                }
            }
        }
        events.retain(|event| {
            let LogPosition { partition, offset, .. } = event.at;
            self.partitions.contains(&partition) && offset >= self.from.next(partition)
        });
        FollowBatch {
            events,
            cut: cut.of_partitions(&self.partitions),
        }
    }
}

/// The export first, then the log.
struct ExportFollow {
    store: Arc<dyn EventStore>,
    partitions: BTreeSet<u32>,
    export: Option<mpsc::Receiver<Result<FollowBatch, ExportError>>>,
    /// What was given, so that the log goes on there.
    next: Cut,
    through: Cut,
    log: Option<Box<dyn Follow>>,
}

#[async_trait]
impl Follow for ExportFollow {
    async fn next(&mut self) -> Result<FollowBatch, StoreError> {
        if let Some(export) = &mut self.export {
            match export.recv().await {
                Some(Ok(batch)) => {
                    self.next.merge(&batch.cut);
                    return Ok(batch);
                }
                Some(Err(error)) => return Err(StoreError::Corrupt(format!("the export of the log: {error}"))),
                None => {
                    self.export = None;
                    let covers_more = !self.next.covers(&self.through);
                    self.next.merge(&self.through);
                    if covers_more {
                        return Ok(FollowBatch {
                            events: Vec::new(),
                            cut: self.through.clone(),
                        });
                    }
                }
            }
        }
        // Dropping this future while it opens or waits loses nothing: what it has is kept only when it is there.
        if self.log.is_none() {
            let log = self.store.follow_partitions(self.next.clone(), self.partitions.clone());
            self.log = Some(log.await?);
        }
        match &mut self.log {
            Some(log) => log.next().await,
            None => Err(StoreError::Corrupt("the log could not be followed".to_owned())),
        }
    }
}

#[async_trait]
impl EventStore for ExportedStore {
    fn partitions(&self) -> u32 {
        self.store.partitions()
    }

    fn epoch(&self) -> LogEpoch {
        self.store.epoch()
    }

    async fn load(&self, stream: &StreamId, known: Option<&Basis>) -> Result<LoadedStream, StoreError> {
        self.store.load(stream, known).await
    }

    async fn load_after(&self, stream: &StreamId, revision: Option<u64>) -> Result<LoadedStream, StoreError> {
        self.store.load_after(stream, revision).await
    }

    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.store.commit(commit).await
    }

    async fn confirm(&self, stream: &StreamId, basis: &Basis) -> Result<bool, StoreError> {
        self.store.confirm(stream, basis).await
    }

    fn other_author(&self, stream: &StreamId) -> Option<String> {
        self.store.other_author(stream)
    }

    async fn record_rejections(
        &self,
        stream: &StreamId,
        basis: &Basis,
        rejections: &[RecordedRejection],
    ) -> Result<Option<Basis>, StoreError> {
        self.store.record_rejections(stream, basis, rejections).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.store.read_stream(stream, options).await
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        self.store.read_all(options).await
    }

    async fn wait_for_events_after(&self, position: Position) -> Result<(), StoreError> {
        self.store.wait_for_events_after(position).await
    }

    async fn end(&self) -> Result<Cut, StoreError> {
        self.store.end().await
    }

    fn behind(&self, end: &Cut, cut: &Cut) -> u64 {
        self.store.behind(end, cut)
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.store.first_recorded_after(cut).await
    }

    async fn follow_partitions(&self, from: Cut, partitions: BTreeSet<u32>) -> Result<Box<dyn Follow>, StoreError> {
        if from.covers(&self.manifest.through.cut.of_partitions(&partitions)) {
            return self.store.follow_partitions(from, partitions).await;
        }
        Ok(Box::new(self.follow_export(from, partitions)))
    }

    async fn append_to_stream(
        &self,
        stream: &StreamId,
        options: &AppendToStreamOptions,
        events: Vec<NewEvent>,
    ) -> Result<WriteResult, StoreError> {
        self.store.append_to_stream(stream, options, events).await
    }
}
