//! The journal behind a gate: a question and its answer each go through it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;

use super::Gate;
use crate::codec::FenceTarget;
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::journal::{Applied, Checkpoint, Journal, JournalBatch, LoadRequest, Loaded};
use crate::position::{Cut, LogEpoch, Position};
use crate::store::{ReadAllOptions, ReadStreamOptions};

pub(super) struct GatedJournal {
    journal: Arc<dyn Journal>,
    gate: Gate,
}

impl GatedJournal {
    pub(super) fn new(journal: Arc<dyn Journal>, gate: Gate) -> Self {
        Self { journal, gate }
    }

    async fn through<T>(&self, asked: impl Future<Output = T>) -> T {
        self.gate.pass().await;
        let answer = asked.await;
        self.gate.pass().await;
        answer
    }
}

#[async_trait]
impl Journal for GatedJournal {
    fn epoch(&self) -> LogEpoch {
        self.journal.epoch()
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        self.through(self.journal.checkpoints()).await
    }

    async fn load(&self, requests: &[LoadRequest]) -> Result<Vec<Loaded>, StoreError> {
        self.through(self.journal.load(requests)).await
    }

    async fn last_covering(
        &self,
        partition: u32,
        target: &FenceTarget,
        before: u64,
    ) -> Result<(Option<u64>, Checkpoint), StoreError> {
        self.through(self.journal.last_covering(partition, target, before))
            .await
    }

    async fn apply(&self, batch: &JournalBatch) -> Result<Applied, StoreError> {
        self.through(self.journal.apply(batch)).await
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        self.through(self.journal.read_stream(stream, options)).await
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        self.through(self.journal.read_all(options)).await
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.through(self.journal.first_recorded_after(cut)).await
    }

    async fn wait_after(&self, position: Position) -> Result<(), StoreError> {
        self.through(self.journal.wait_after(position)).await
    }

    async fn wait_moved(&self) {
        self.gate.count(|counts| counts.journal_waits += 1);
        self.through(self.journal.wait_moved()).await;
    }
}
