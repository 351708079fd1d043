//! The transaction that is under way, beside the folding of what comes after it.

use std::collections::HashMap;
use std::time::Duration;

use domain::StreamId;
use event_store::{Cut, StoreError};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::folded::Folded;
use crate::checkpoint::CheckpointMove;
use crate::error::ProjectionError;
use crate::subject::Subject;
use crate::write::Writer;

type Finished = (Writer, Duration, Result<(), ProjectionError>);

/// At most one transaction at a time; it is given up when this is dropped.
pub(super) struct Writing {
    /// Here while nothing is under way.
    writer: Option<Writer>,
    task: JoinSet<Finished>,
    finished: Option<Finished>,
    written: Written,
}

/// What a transaction has put into the database.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) subjects: HashMap<StreamId, Subject>,
    pub(super) to: Cut,
    pub(super) events: usize,
    pub(super) took: Duration,
}

impl Writing {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer: Some(writer),
            task: JoinSet::new(),
            finished: None,
            written: Written::default(),
        }
    }

    /// Is no outcome to be waited for?
    pub(super) fn is_idle(&self) -> bool {
        self.writer.is_some()
    }

    /// Subjects as they are after the transaction, which nobody can read yet.
    pub(super) fn subjects(&self) -> &HashMap<StreamId, Subject> {
        &self.written.subjects
    }

    /// Gives the connection back while there is nothing to write.
    pub(super) fn rest(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.rest();
        }
    }

    /// Starts a transaction; only when idle, and only if the checkpoint is at `from` it does anything.
    pub(super) fn start(&mut self, folded: Folded, from: &Cut) {
        let Some(mut writer) = self.writer.take() else {
            return;
        };
        let advance = CheckpointMove {
            from: from.clone(),
            to: folded.to.clone(),
            recorded_at: folded.recorded_at,
        };
        self.written = Written {
            subjects: folded.subjects,
            to: folded.to,
            events: folded.events,
            took: Duration::ZERO,
        };
        let changes = folded.changes;
        self.task.spawn(async move {
            let started = Instant::now();
            let outcome = writer.write(changes, &advance).await;
            (writer, started.elapsed(), outcome)
        });
    }

    /// Waits until [`Self::outcome`] is there. Cancel safe.
    pub(super) async fn finished(&mut self) {
        if self.finished.is_none()
            && let Some(Ok(finished)) = self.task.join_next().await
        {
            self.finished = Some(finished);
        }
    }

    /// The outcome of the transaction that was started.
    pub(super) async fn outcome(&mut self) -> Result<Written, ProjectionError> {
        self.finished().await;
        // Nothing there means that it panicked or was cancelled with the runtime.
        let (writer, took, outcome) = self.finished.take().ok_or_else(|| StoreError::Unavailable {
            reason: "the writer of the projector ended".to_owned(),
        })?;
        self.writer = Some(writer);
        outcome?;
        let written = std::mem::take(&mut self.written);
        Ok(Written { took, ..written })
    }
}
