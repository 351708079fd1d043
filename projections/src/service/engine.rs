//! One attempt: pieces of the log, folded and written, until shutdown or the first error.
//!
//! Nothing survives an error but what is committed: subjects in memory are dropped with the engine, and the next attempt reads the
//! checkpoint. So a lost answer to a commit cannot apply a piece twice.

use std::time::{Duration, Instant};

use event_store::{Cut, StoreError};
use platform::shutdown::Shutdown;
use tokio::time::MissedTickBehavior;

use super::backoff::Backoff;
use super::reader::Reader;
use super::subjects::SubjectCache;
use super::{ProjectorService, ProjectorState};
use crate::batch::{self, Piece};
use crate::checkpoint::CheckpointMove;
use crate::coalesce::CoalescedChanges;
use crate::error::ProjectionError;
use crate::generation::Generation;
use crate::metrics;
use crate::write::Writer;

pub(super) struct Engine<'a> {
    service: &'a ProjectorService,
    subjects: SubjectCache,
    writer: Writer,
}

impl<'a> Engine<'a> {
    pub(super) fn new(service: &'a ProjectorService, generation: Generation) -> Self {
        let subjects = SubjectCache::new(&generation, service.options.subject_cache_bytes);
        let writer = Writer::new(service.pool.clone(), generation, service.options.synchronous_commit);
        Self {
            service,
            subjects,
            writer,
        }
    }

    pub(super) async fn run(
        &mut self,
        mut cut: Cut,
        shutdown: &Shutdown,
        backoff: &mut Backoff,
    ) -> Result<(), ProjectionError> {
        let service = self.service;
        let mut reader = Reader::start(service.store.clone(), cut.clone(), &service.options);
        let mut lag_timer = tokio::time::interval(Duration::from_millis(service.options.lag_interval_ms.max(1)));
        lag_timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut applied = false;
        loop {
            let piece = tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                _ = lag_timer.tick() => {
                    // A projector without work is healthy when it is level; one with work, when it gets on.
                    if self.measure_lag(&cut).await? == 0 || applied {
                        service.up();
                    }
                    continue;
                }
                piece = reader.next(&service.options) => piece,
            };
            let piece = piece.ok_or_else(|| StoreError::Unavailable {
                reason: "the reader of the log ended".to_owned(),
            })?;
            self.apply(&mut cut, piece?).await?;
            backoff.reset();
            if !applied {
                // Not at the next tick: a start waits for this.
                service.up();
            }
            applied = true;
            service.publish(self.writer.generation(), &cut, ProjectorState::Following);
        }
    }

    async fn apply(&mut self, cut: &mut Cut, piece: Piece) -> Result<(), ProjectionError> {
        let started = Instant::now();
        let mut subjects = self.subjects.load(&self.service.pool, &piece.events).await?;
        let mut changes = CoalescedChanges::default();
        if let Err(error) = batch::fold(&self.service.projectors, &mut subjects, &piece.events, &mut changes) {
            return Err(self.blame(error, cut).await);
        }
        let advance = CheckpointMove {
            from: cut.clone(),
            to: piece.to,
            recorded_at: piece.recorded_at,
        };
        self.writer.write(changes, &advance).await?;
        self.subjects.keep(subjects);
        cut.merge(&advance.to);
        metrics::batch_committed(&self.writer.generation().schema, piece.events.len(), started.elapsed());
        Ok(())
    }

    /// Events that do not fit the subjects may only mean that another projector was faster: the checkpoint tells.
    async fn blame(&self, error: ProjectionError, cut: &Cut) -> ProjectionError {
        let generation = self.writer.generation();
        match self.service.committed(generation).await {
            Ok(committed) if committed == *cut => error,
            Ok(_) => ProjectionError::CheckpointMoved {
                generation: generation.schema.clone(),
            },
            Err(unreachable) => unreachable,
        }
    }

    async fn measure_lag(&self, cut: &Cut) -> Result<u64, ProjectionError> {
        let end = self.service.store.end().await?;
        let behind = self.service.store.behind(&end, cut);
        metrics::lag(&self.writer.generation().schema, behind);
        Ok(behind)
    }
}
