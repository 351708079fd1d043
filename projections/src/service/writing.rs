//! The transaction that is under way, beside the folding of what comes after it.

use std::time::Duration;

use event_store::{Cut, StoreError};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::folded::Folded;
use super::subjects::Subjects;
use crate::change_feed::ChangedStreams;
use crate::checkpoint::CheckpointMove;
use crate::error::{EventName, ProjectionError};
use crate::write::{WriteTimes, Writer};

type Finished = (Writer, Duration, Result<WriteTimes, ProjectionError>);

/// At most one transaction at a time. When this is dropped it still comes to its end, one way or the other: a transaction that is cut off
/// while it begins would stay with its connection.
pub(crate) struct Writing {
    /// Here while nothing is under way.
    writer: Option<Writer>,
    task: Option<JoinHandle<Finished>>,
    finished: Option<Finished>,
    written: Written,
}

/// What a transaction has put into the database.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) subjects: Subjects,
    pub(crate) to: Cut,
    pub(crate) events: usize,
    pub(crate) took: Duration,
    pub(crate) times: WriteTimes,
    first: Option<EventName>,
}

impl Writing {
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            writer: Some(writer),
            task: None,
            finished: None,
            written: Written::default(),
        }
    }

    /// Is no outcome to be waited for?
    pub(crate) fn is_idle(&self) -> bool {
        self.writer.is_some()
    }

    /// Subjects as they are after the transaction, which nobody can read yet.
    pub(crate) fn subjects(&self) -> &Subjects {
        &self.written.subjects
    }

    /// Gives the connection back while there is nothing to write.
    pub(crate) fn rest(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.rest();
        }
    }

    /// Starts a transaction; only when idle, and only if the checkpoint is at `from` it does anything.
    pub(crate) fn start(&mut self, folded: Folded, from: &Cut) {
        let Some(mut writer) = self.writer.take() else {
            return;
        };
        let first = folded.first().cloned();
        let advance = CheckpointMove {
            from: from.clone(),
            to: folded.to.clone(),
            recorded_at: folded.recorded_at,
            changed: writer.tells().then(|| ChangedStreams::of(folded.subjects.values())),
        };
        self.written = Written {
            first,
            times: WriteTimes::default(),
            subjects: folded.subjects,
            to: folded.to,
            events: folded.events,
            took: Duration::ZERO,
        };
        let changes = folded.changes;
        self.task = Some(tokio::spawn(async move {
            let started = Instant::now();
            let outcome = writer.write(changes, &advance).await;
            (writer, started.elapsed(), outcome)
        }));
    }

    /// Waits until [`Self::outcome`] is there. Cancel safe.
    pub(crate) async fn finished(&mut self) {
        if let Some(task) = &mut self.task {
            // Nothing comes of one that panicked or was cancelled with the runtime.
            self.finished = task.await.ok();
            self.task = None;
        }
    }

    /// The outcome of the transaction that was started; an error comes with the first event and the end of what was to be written.
    pub(crate) async fn outcome(&mut self) -> Result<Written, (ProjectionError, Option<EventName>, Cut)> {
        self.finished().await;
        // Nothing there means that it panicked or was cancelled with the runtime.
        let written = std::mem::take(&mut self.written);
        let outcome = match self.finished.take() {
            Some((writer, took, outcome)) => {
                self.writer = Some(writer);
                outcome.map(|times| (took, times))
            }
            None => Err(ProjectionError::Store(StoreError::Unavailable {
                reason: "the writer of the projector ended".to_owned(),
            })),
        };
        match outcome {
            Ok((took, times)) => Ok(Written { took, times, ..written }),
            Err(error) => Err((error, written.first, written.to)),
        }
    }
}
