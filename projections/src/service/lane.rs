//! Some partitions of a generation: pieces of the log, folded and written, until somebody stops it or the first error.
//!
//! Two things happen at once. While one transaction is under way, the next pieces are folded, all into one: the longer a
//! transaction takes, the more goes into the next, and no processor waits for the other.
//!
//! Nothing survives an error but what is committed: subjects in memory are dropped with the lane, and the next attempt reads the
//! checkpoint. So a lost answer to a commit cannot apply a piece twice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_store::Cut;
use platform::shutdown::Shutdown;
use tokio::time::{Instant, sleep, sleep_until};

use super::batch_size::BatchSize;
use super::care::Care;
use super::folded::Folded;
use super::reader::Pieces;
use super::subjects::SubjectCache;
use super::timings::Timings;
use super::writing::Writing;
use super::{ProjectorOptions, ProjectorService};
use crate::batch::Piece;
use crate::checkpoint;
use crate::error::{self, EventName, PoisonFault, ProjectionError};
use crate::generation::{Generation, Stage};
use crate::governor::Governor;
use crate::lease::Fences;
use crate::metrics;
use crate::write::Writer;

/// How long a generation that is built stands still before it looks again whether it may go on.
const YIELD_FOR: Duration = Duration::from_millis(50);
/// How long a lane without work keeps its connection.
const REST_AFTER: Duration = Duration::from_secs(1);

/// What a lane is made of.
pub(super) struct LaneParts {
    pub(super) service: Arc<ProjectorService>,
    pub(super) generation: Generation,
    pub(super) stage: Stage,
    pub(super) held: Fences,
    /// What is committed of its partitions.
    pub(super) cut: Cut,
    pub(super) pieces: Pieces,
    pub(super) cache: Arc<SubjectCache>,
    pub(super) timings: Arc<Timings>,
    pub(super) governor: Arc<Governor>,
    pub(super) care: Care,
    /// Lanes of this process that are careful; the last of them that need not be any more ends.
    pub(super) careful_lanes: Arc<AtomicUsize>,
    pub(super) options: ProjectorOptions,
}

/// Why a lane ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneEnd {
    /// It was asked to.
    Stopped,
    /// What all lanes were careful about is behind them: they may go on with full batches.
    CareIsOver,
}

pub(super) struct Lane {
    parts: LaneParts,
    size: BatchSize,
    folded: Folded,
    writing: Writing,
    /// What the reader met behind everything that is folded: that is written first. (An event that cannot be folded takes with it what was
    /// folded and not yet written; the next attempt meets it again, and nothing is skipped.)
    ends_with: Option<ProjectionError>,
    /// It began with care.
    careful: bool,
    /// Until then it stands still, for the sake of queries.
    rests_until: Instant,
}

impl Lane {
    pub(super) fn new(parts: LaneParts) -> Self {
        let writer = Writer::new(
            parts.service.pool.clone(),
            parts.generation.clone(),
            parts.options.synchronous_commit,
        );
        // Also while it is built: the first generation serves meanwhile, and another process may know already that it is complete.
        let writer = writer.telling();
        let most = parts.care.batch_events(&parts.cut, parts.options.batch_events);
        Self {
            size: BatchSize::new(most, Duration::from_millis(parts.options.transaction_ms.max(1))),
            folded: Folded::default(),
            writing: Writing::new(writer.fenced(parts.held.clone())),
            ends_with: None,
            careful: parts.care.is_needed(&parts.cut),
            rests_until: Instant::now(),
            parts,
        }
    }

    /// Works until it is stopped, or done with being careful.
    pub(super) async fn run(mut self, stop: &Shutdown) -> Result<LaneEnd, ProjectionError> {
        let outcome = self.follow(stop).await;
        // Whoever reads the checkpoint next must not see it move.
        let last = if self.writing.is_idle() {
            Ok(())
        } else {
            self.written().await
        };
        match last.and(outcome) {
            Err(error @ ProjectionError::Poison(_)) => Err(self.blame(error).await),
            outcome => outcome,
        }
    }

    async fn follow(&mut self, stop: &Shutdown) -> Result<LaneEnd, ProjectionError> {
        let (mut next_write, mut working) = (Instant::now(), false);
        let write_interval = Duration::from_millis(self.parts.options.write_interval_ms);
        loop {
            let yields = self.yields();
            let may_fold = self.ends_with.is_none() && self.has_room() && !yields;
            let may_write = self.writing.is_idle() && !self.folded.is_empty();
            if may_write && (!may_fold || self.careful || Instant::now() >= next_write) {
                next_write = Instant::now() + write_interval;
                self.writing.start(std::mem::take(&mut self.folded), &self.parts.cut);
                continue;
            }
            if self.folded.is_empty() && self.writing.is_idle() {
                if let Some(error) = self.ends_with.take() {
                    return Err(error);
                }
                if self.careful && !self.parts.care.is_needed(&self.parts.cut) {
                    checkpoint::forget_crashes(&self.parts.service.pool, self.parts.generation.id, &self.parts.held)
                        .await?;
                    self.careful = false;
                    if self.parts.careful_lanes.fetch_sub(1, Ordering::Relaxed) == 1 {
                        return Ok(LaneEnd::CareIsOver);
                    }
                }
            }
            tokio::select! {
                biased;
                () = stop.requested() => return Ok(LaneEnd::Stopped),
                () = self.writing.finished(), if !self.writing.is_idle() => {
                    self.written().await?;
                    working = true;
                }
                piece = self.parts.pieces.next(), if may_fold => match piece {
                    Ok(piece) => self.fold(&piece).await?,
                    Err(error) => self.ends_with = Some(error),
                },
                () = sleep_until(next_write), if may_write => {}
                () = sleep(YIELD_FOR), if yields => {}
                () = sleep(REST_AFTER), if working && self.writing.is_idle() && self.folded.is_empty() => {
                    self.writing.rest();
                    working = false;
                }
            }
        }
    }

    /// With care one piece at a time goes all the way.
    fn has_room(&self) -> bool {
        if self.careful {
            return self.folded.is_empty() && self.writing.is_idle();
        }
        self.folded.has_room(self.size.events(), self.parts.options.batch_bytes)
    }

    async fn fold(&mut self, piece: &Piece) -> Result<(), ProjectionError> {
        let parts = &self.parts;
        if parts.care.writes_down()
            && let Some(first) = piece.events.first()
        {
            let event = EventName::of(&first.recorded);
            let fence = parts.held.get(&event.partition).copied().unwrap_or(0);
            if !checkpoint::trying(&parts.service.pool, parts.generation.id, &event, fence).await? {
                return Err(self.moved());
            }
        }
        let started = std::time::Instant::now();
        let folded = &mut self.folded;
        let being_written = self.writing.subjects();
        self.parts
            .cache
            .load(&self.parts.service.pool, piece, being_written, &mut folded.subjects)
            .await?;
        folded.add(&self.parts.service.projectors, piece)?;
        self.parts.timings.applied(started);
        Ok(())
    }

    /// Waits for the transaction that is under way.
    async fn written(&mut self) -> Result<(), ProjectionError> {
        let written = self
            .writing
            .outcome()
            .await
            .map_err(|(error, only, to)| self.explain(error, only, to))?;
        let parts = &mut self.parts;
        parts.cache.keep(written.subjects);
        parts.cut.merge(&written.to);
        parts.timings.wrote(&written.times, written.events);
        parts.care.passed(written.events);
        self.size.learn(written.events, written.took);
        let pause = parts.governor.pause_after(written.took);
        parts.timings.rests(pause);
        self.rests_until = Instant::now() + pause;
        metrics::batch_committed(&parts.generation.schema, written.events, written.took);
        parts.service.caller.moved();
        parts.service.advanced(&written.to);
        Ok(())
    }

    /// Rows that the database refuses are one event's fault when there was only one; else it is looked for.
    fn explain(&self, error: ProjectionError, only: Option<EventName>, to: Cut) -> ProjectionError {
        let ProjectionError::Database(refusal) = error else {
            return error;
        };
        if !error::is_refused_by_data(&refusal) {
            return refusal.into();
        }
        match only.filter(|_| self.careful) {
            Some(event) => ProjectionError::poison(event, PoisonFault::Refused(refusal.to_string())),
            None => ProjectionError::Refused {
                generation: self.parts.generation.schema.clone(),
                to,
                refusal,
            },
        }
    }

    /// Events that do not fit the subjects may only mean that another projector was faster: the checkpoint tells.
    async fn blame(&self, error: ProjectionError) -> ProjectionError {
        let own: BTreeSet<u32> = self.parts.held.keys().copied().collect();
        match self.parts.service.committed(&self.parts.generation).await {
            Ok(committed) if committed.of_partitions(&own) == self.parts.cut.of_partitions(&own) => error,
            Ok(_) => self.moved(),
            Err(unreachable) => unreachable,
        }
    }

    fn moved(&self) -> ProjectionError {
        ProjectionError::CheckpointMoved {
            generation: self.parts.generation.schema.clone(),
        }
    }

    /// The one that serves goes first, and those who ask it.
    fn yields(&self) -> bool {
        let service = &self.parts.service;
        if Instant::now() < self.rests_until {
            return true;
        }
        self.parts.stage == Stage::Building
            && service.only.is_some()
            && service.live_behind.load(Ordering::Relaxed) > self.parts.options.rebuild_yields_at
    }
}
