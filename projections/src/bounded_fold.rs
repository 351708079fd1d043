//! A fold of the log up to a cut, into a generation that nobody follows: the one mechanism of second folds and of time travel.
//!
//! Whoever has the events hands them over ([`BoundedFold::take`]), from wherever the generation's checkpoint is, in any order of partitions;
//! or lets it read them itself ([`BoundedFold::run`]). Rows and checkpoint move together, so that it can go on after a crash.

use std::time::Instant;

use event_store::{Cut, EventStore, FollowBatch};
use sqlx::PgPool;

use crate::batch;
use crate::error::{Poison, ProjectionError};
use crate::gaps::Gaps;
use crate::generation::Generation;
use crate::making_way::MakingWay;
use crate::parking;
use crate::projector::Projector;
use crate::service::ProjectorOptions;
use crate::service::folded::Folded;
use crate::service::subjects::{SubjectCache, Subjects};
use crate::service::writing::Writing;
use crate::travel::fitting::Fitting;
use crate::write::Writer;

/// A generation on its way to a cut.
pub(crate) struct BoundedFold {
    pool: PgPool,
    projectors: Vec<Box<dyn Projector>>,
    options: ProjectorOptions,
    generation: Generation,
    writing: Writing,
    cache: SubjectCache,
    folded: Folded,
    gaps: Gaps,
    /// Does the stream of an event that cannot be projected stand still, as with a projector? Else the fold ends there.
    parks: bool,
    /// Where the log is not folded as it is.
    fitting: Option<Fitting>,
    making_way: MakingWay,
    target: Cut,
    reached: Cut,
}

impl BoundedFold {
    /// Goes on where the generation is, and ends at `target`.
    pub(crate) fn new(
        pool: PgPool,
        projectors: Vec<Box<dyn Projector>>,
        generation: Generation,
        (reached, target): (Cut, Cut),
        options: ProjectorOptions,
    ) -> Self {
        Self {
            writing: Writing::new(Writer::new(pool.clone(), generation.clone(), false)),
            cache: SubjectCache::new(&generation, options.subject_cache_bytes),
            pool,
            projectors,
            making_way: MakingWay::new(&options),
            options,
            generation,
            folded: Folded::default(),
            gaps: Gaps::default(),
            parks: false,
            fitting: None,
            target,
            reached,
        }
    }

    /// Folds what is not the log as it is: events get the revisions that they have without the missing ones, and what fits nowhere is left
    /// out.
    pub(crate) fn fitting(mut self, fitting: Fitting) -> Self {
        self.fitting = Some(fitting);
        self
    }

    /// Lets streams stand still before events that cannot be projected; these do so already.
    pub(crate) fn parking(self, gaps: Gaps) -> Self {
        Self {
            parks: true,
            ..self.with_gaps(gaps)
        }
    }

    /// Leaves out what another generation does not have.
    pub(crate) fn with_gaps(mut self, gaps: Gaps) -> Self {
        self.gaps = gaps;
        self
    }

    pub(crate) fn fitted(&self) -> Option<&Fitting> {
        self.fitting.as_ref()
    }

    pub(crate) fn generation(&self) -> &Generation {
        &self.generation
    }

    pub(crate) fn projectors(&self) -> &[Box<dyn Projector>] {
        &self.projectors
    }

    pub(crate) fn target(&self) -> &Cut {
        &self.target
    }

    /// Goes on to another cut.
    pub(crate) fn aim_at(&mut self, target: Cut) {
        self.target = target;
    }

    /// Works all the time from now on.
    pub(crate) fn hurry(&mut self) {
        self.making_way.hurry();
    }

    /// How much of its time it works for the sake of others, in percent.
    pub(crate) fn share(&self) -> u32 {
        self.making_way.share()
    }

    /// What is written.
    pub(crate) fn reached(&self) -> &Cut {
        &self.reached
    }

    /// Events of one transaction, about.
    pub(crate) fn chunk(&self) -> u64 {
        self.options.batch_events as u64
    }

    /// Leaves out what lies at or behind the target.
    pub(crate) fn trim(&self, batch: &mut FollowBatch) {
        batch::trim(batch, &self.target);
    }

    /// Folds the next events; what lies at or behind the target is left out. After an error nothing but what is written counts.
    pub(crate) async fn take(&mut self, mut batch: FollowBatch) -> Result<(), ProjectionError> {
        self.trim(&mut batch);
        if let Some(fitting) = &mut self.fitting {
            fitting.leave_out_unreadable(&mut batch.events);
        }
        let (pieces, error) = batch::pieces(batch, &self.gaps, self.options.batch_events, self.options.batch_bytes);
        for mut piece in pieces {
            let folded = &mut self.folded;
            self.cache
                .load(&self.pool, &piece, &Subjects::default(), &mut folded.subjects)
                .await?;
            if let Some(fitting) = &mut self.fitting {
                piece.events = fitting.fit(piece.events, &folded.subjects);
            }
            folded.add(&self.projectors, &piece)?;
            if !folded.has_room(self.options.batch_events, self.options.batch_bytes) {
                self.write().await?;
            }
        }
        error.map_or(Ok(()), Err)
    }

    /// Reads the log from where the generation is up to the target and folds it; `prepare` sees every batch first, and `passed` how far the
    /// log was read and how much of its time it works, in percent: less while queries or the serving generation suffer.
    pub(crate) async fn run<E: From<ProjectionError>>(
        &mut self,
        store: &dyn EventStore,
        mut prepare: impl FnMut(FollowBatch) -> Result<FollowBatch, E> + Send,
        mut passed: impl FnMut(&Cut, u32) + Send,
    ) -> Result<(), E> {
        while let Some(poison) = self.run_to_poison(store, &mut prepare, &mut passed).await? {
            self.stand_still(poison).await?;
        }
        Ok(())
    }

    /// Up to the target, or to an event that cannot be projected.
    async fn run_to_poison<E: From<ProjectionError>>(
        &mut self,
        store: &dyn EventStore,
        prepare: &mut (impl FnMut(FollowBatch) -> Result<FollowBatch, E> + Send),
        passed: &mut (impl FnMut(&Cut, u32) + Send),
    ) -> Result<Option<Poison>, E> {
        let mut read = self.reached.clone();
        if read.covers(&self.target) {
            return Ok(None);
        }
        let mut follow = store.follow(read.clone()).await.map_err(ProjectionError::from)?;
        let mut next = Some(follow.next().await.map_err(ProjectionError::from)?);
        while let Some(mut batch) = next.take() {
            let started = Instant::now();
            read.merge(&batch.cut);
            self.trim(&mut batch);
            let batch = prepare(batch)?;
            let taken = if read.covers(&self.target) {
                self.take(batch).await
            } else {
                // The next piece is on its way while this one is written.
                let (followed, taken) = tokio::join!(follow.next(), self.take(batch));
                next = Some(followed.map_err(ProjectionError::from)?);
                taken
            };
            match taken {
                Err(ProjectionError::Poison(poison)) if self.parks => return Ok(Some(*poison)),
                taken => taken?,
            }
            passed(&read, self.share());
            let worked = started.elapsed();
            self.making_way.rest_after(worked, &self.pool, store).await?;
        }
        Ok(None)
    }

    /// Notes that a stream stands still, and goes back to what is written: what was folded since is half-done.
    async fn stand_still(&mut self, poison: Poison) -> Result<(), ProjectionError> {
        // Nobody else holds a partition of a generation that nobody follows.
        let unfenced = 0;
        let parked = parking::park(&self.pool, self.generation.id, unfenced, &poison, 0).await?;
        if parked > self.options.parked_streams_max {
            return Err(ProjectionError::TooManyParked {
                generation: self.generation.schema.clone(),
                parked,
            });
        }
        self.gaps.stand_still(poison.event.stream, poison.event.revision);
        self.folded = Folded::default();
        Ok(())
    }

    /// Writes what is still in memory. Has the generation come to its target?
    pub(crate) async fn finish(&mut self) -> Result<bool, ProjectionError> {
        self.write().await?;
        self.rest();
        Ok(self.reached.covers(&self.target))
    }

    /// Gives the connection back.
    pub(crate) fn rest(&mut self) {
        self.writing.rest();
    }

    async fn write(&mut self) -> Result<(), ProjectionError> {
        let folded = std::mem::take(&mut self.folded);
        if folded.is_empty() {
            return Ok(());
        }
        self.writing.start(folded, &self.reached);
        let written = self.writing.outcome().await.map_err(|(error, ..)| error)?;
        self.reached.merge(&written.to);
        self.cache.keep(written.subjects);
        Ok(())
    }
}
