//! One attempt: pieces of the log, folded and written, until shutdown or the first error.
//!
//! Two things happen at once. While one transaction is under way, the next pieces are folded, all into one: the longer a
//! transaction takes, the more goes into the next, and no processor waits for the other.
//!
//! Nothing survives an error but what is committed: subjects in memory are dropped with the engine, and the next attempt reads the
//! checkpoint. So a lost answer to a commit cannot apply a piece twice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use event_store::Cut;
use platform::shutdown::Shutdown;
use tokio::time::{Instant, MissedTickBehavior, sleep, sleep_until};

use super::backoff::Backoff;
use super::folded::Folded;
use super::reader::Reader;
use super::subjects::SubjectCache;
use super::writing::Writing;
use super::{ProjectorOptions, ProjectorService, ProjectorState};
use crate::batch::Piece;
use crate::error::ProjectionError;
use crate::generation::{self, Generation, Stage};
use crate::metrics;
use crate::write::Writer;

/// How long a generation that is built stands still before it looks again whether it may go on.
const YIELD_FOR: Duration = Duration::from_millis(50);

pub(super) struct Engine<'a> {
    service: &'a ProjectorService,
    generation: Generation,
    /// What is committed.
    cut: Cut,
    cache: SubjectCache,
    folded: Folded,
    writing: Writing,
    /// What the reader met behind everything that is folded: that is written first. (An event that cannot be folded takes with it what was
    /// folded and not yet written; the next attempt meets it again, and nothing is skipped.)
    ends_with: Option<ProjectionError>,
    applied: bool,
    stage: Stage,
    /// Little is missing, as last measured, and it was never level.
    nearly_level: bool,
    options: ProjectorOptions,
}

impl<'a> Engine<'a> {
    pub(super) fn new(service: &'a ProjectorService, generation: Generation, stage: Stage, cut: Cut) -> Self {
        let options = match stage {
            Stage::Building => service.options.for_building(),
            Stage::Level => service.options.clone(),
        };
        let writer = Writer::new(service.pool.clone(), generation.clone(), options.synchronous_commit);
        Self {
            service,
            cut,
            cache: SubjectCache::new(&generation, options.subject_cache_bytes),
            folded: Folded::default(),
            writing: Writing::new(writer),
            generation,
            ends_with: None,
            applied: false,
            stage,
            nearly_level: false,
            options,
        }
    }

    pub(super) async fn run(mut self, shutdown: &Shutdown, backoff: &mut Backoff) -> Result<(), ProjectionError> {
        let outcome = self.follow(shutdown, backoff).await;
        // Whoever reads the checkpoint next must not see it move.
        let last = if self.writing.is_idle() {
            Ok(())
        } else {
            self.written(backoff).await
        };
        match outcome.and(last) {
            Err(error @ ProjectionError::Poison { .. }) => Err(self.blame(error).await),
            outcome => outcome,
        }
    }

    async fn follow(&mut self, shutdown: &Shutdown, backoff: &mut Backoff) -> Result<(), ProjectionError> {
        let mut reader = Reader::start(self.service.store.clone(), self.cut.clone(), &self.options);
        let mut lag_timer = tokio::time::interval(Duration::from_millis(self.options.lag_interval_ms.max(1)));
        lag_timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_write = Instant::now();
        loop {
            if self.nearly_level && self.writing.is_idle() {
                self.complete().await?;
                // The next attempt goes on with the pieces of one that is kept level.
                return Ok(());
            }
            let yields = self.yields();
            let may_fold = self.ends_with.is_none() && self.folded.has_room(&self.options) && !yields;
            let may_write = self.writing.is_idle() && !self.folded.is_empty();
            if may_write && !self.nearly_level && (!may_fold || Instant::now() >= next_write) {
                next_write = Instant::now() + Duration::from_millis(self.options.write_interval_ms);
                self.writing.start(std::mem::take(&mut self.folded), &self.cut);
                continue;
            }
            if self.folded.is_empty()
                && self.writing.is_idle()
                && let Some(error) = self.ends_with.take()
            {
                return Err(error);
            }
            tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                () = self.writing.finished(), if !self.writing.is_idle() => self.written(backoff).await?,
                _ = lag_timer.tick() => self.measure_lag().await?,
                piece = reader.next(), if may_fold => match piece {
                    Ok(piece) => self.fold(&piece).await?,
                    Err(error) => self.ends_with = Some(error),
                },
                () = sleep_until(next_write), if may_write => {}
                () = sleep(YIELD_FOR), if yields => {}
            }
        }
    }

    async fn fold(&mut self, piece: &Piece) -> Result<(), ProjectionError> {
        let folded = &mut self.folded;
        let being_written = self.writing.subjects();
        self.cache
            .load(&self.service.pool, &piece.events, being_written, &mut folded.subjects)
            .await?;
        folded.add(&self.service.projectors, piece)
    }

    /// Waits for the transaction that is under way.
    async fn written(&mut self, backoff: &mut Backoff) -> Result<(), ProjectionError> {
        let written = self.writing.outcome().await?;
        self.cache.keep(written.subjects);
        self.cut.merge(&written.to);
        metrics::batch_committed(&self.generation.schema, written.events, written.took);
        backoff.reset();
        if !self.applied {
            // Not at the next measurement of the lag: a start waits for this.
            self.service.up();
        }
        self.applied = true;
        self.service
            .publish(&self.generation, &self.cut, ProjectorState::Following);
        Ok(())
    }

    /// Events that do not fit the subjects may only mean that another projector was faster: the checkpoint tells.
    async fn blame(&self, error: ProjectionError) -> ProjectionError {
        match self.service.committed(&self.generation).await {
            Ok(committed) if committed == self.cut => error,
            Ok(_) => ProjectionError::CheckpointMoved {
                generation: self.generation.schema.clone(),
            },
            Err(unreachable) => unreachable,
        }
    }

    /// A projector without work is healthy when it is level; one with work, when it gets on.
    async fn measure_lag(&mut self) -> Result<(), ProjectionError> {
        let end = self.service.store.end().await?;
        let behind = self.service.store.behind(&end, &self.cut);
        metrics::lag(&self.generation.schema, behind);
        if behind == 0 || self.applied {
            self.service.up();
        }
        if behind == 0 {
            self.writing.rest();
        }
        if self.service.only.is_none() {
            self.service.live_behind.store(behind, Ordering::Relaxed);
        }
        self.nearly_level = self.stage == Stage::Building && behind <= self.service.options.batch_events as u64;
        Ok(())
    }

    /// The one that serves goes first.
    fn yields(&self) -> bool {
        self.stage == Stage::Building
            && self.service.only.is_some()
            && self.service.live_behind.load(Ordering::Relaxed) > self.options.rebuild_yields_at
    }

    /// A generation that is nearly level gets its indexes, and what came meanwhile is little. Only while nothing is written: both want the
    /// same tables.
    async fn complete(&mut self) -> Result<(), ProjectionError> {
        generation::create_indexes(&self.service.pool, &self.generation, &self.service.projectors).await?;
        generation::reached_level(&self.service.pool, &self.generation).await
    }
}
