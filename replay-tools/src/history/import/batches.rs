//! The commits of an export, in batches that may be written at once.

use std::collections::HashSet;

use domain::StreamId;
use event_store::RecordedEvent;
use tokio::sync::mpsc;

use crate::history::export::{ExportError, ExportReader, ExportedLog};

/// Most commits, events and bytes of a batch.
const COMMITS: usize = 1_000;
const EVENTS: usize = 4_000;
const BYTES: usize = 8 << 20;
/// Batches that are read ahead.
const AHEAD: usize = 2;

/// The events of one commit.
pub(super) type OldCommit = Vec<RecordedEvent>;

/// Reads on a thread of its own. No batch has two commits of one stream, so all of a batch can be under way at once.
pub(super) struct Batches {
    read: mpsc::Receiver<Result<Vec<OldCommit>, ExportError>>,
}

impl Batches {
    pub(super) fn start(reader: ExportReader, kind: ExportedLog) -> Self {
        let (found, read) = mpsc::channel(AHEAD);
        let building = Building {
            found,
            kind,
            batch: Vec::new(),
            streams: HashSet::new(),
            events: 0,
            bytes: 0,
        };
        tokio::task::spawn_blocking(move || building.run(reader));
        Self { read }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Vec<OldCommit>>, ExportError> {
        self.read.recv().await.transpose()
    }
}

struct Building {
    found: mpsc::Sender<Result<Vec<OldCommit>, ExportError>>,
    kind: ExportedLog,
    batch: Vec<OldCommit>,
    streams: HashSet<StreamId>,
    events: usize,
    bytes: usize,
}

impl Building {
    fn run(mut self, mut reader: ExportReader) {
        let mut commit: OldCommit = Vec::new();
        loop {
            let events = match reader.next() {
                Ok(Some(events)) => events,
                Ok(None) => break,
                Err(error) => {
                    let _ = self.found.blocking_send(Err(error));
                    return;
                }
            };
            for event in events {
                if commit.last().is_some_and(|last| !self.is_one_commit(last, &event))
                    && self.add(std::mem::take(&mut commit)).is_none()
                {
                    return;
                }
                commit.push(event);
            }
        }
        if commit.is_empty() || self.add(commit).is_some() {
            let _ = self.found.blocking_send(Ok(self.batch));
        }
    }

    /// A record of a log is a commit. Where the journal is the log, a transaction has one commit a stream and one time of recording.
    fn is_one_commit(&self, last: &RecordedEvent, next: &RecordedEvent) -> bool {
        last.stream == next.stream
            && match self.kind {
                ExportedLog::Log => (last.at.partition, last.at.offset) == (next.at.partition, next.at.offset),
                ExportedLog::Postgresql => last.recorded_at == next.recorded_at,
            }
    }

    /// Nothing when nobody listens any more.
    fn add(&mut self, commit: OldCommit) -> Option<()> {
        let Some(stream) = commit.first().map(|event| event.stream.clone()) else {
            return Some(());
        };
        let is_full = self.batch.len() >= COMMITS || self.events >= EVENTS || self.bytes >= BYTES;
        if is_full || self.streams.contains(&stream) {
            self.found.blocking_send(Ok(std::mem::take(&mut self.batch))).ok()?;
            self.streams.clear();
            (self.events, self.bytes) = (0, 0);
        }
        self.streams.insert(stream);
        self.events += commit.len();
        self.bytes += commit.iter().map(|event| event.data.get().len()).sum::<usize>();
        self.batch.push(commit);
        Some(())
    }
}
