//! A fold of the log up to a cut, into a generation that nobody follows: the one mechanism of second folds and of time travel.
//!
//! Whoever has the events hands them over ([`BoundedFold::take`]), from wherever the generation's checkpoint is, in any order of partitions;
//! or lets it read them itself ([`BoundedFold::run`]). Rows and checkpoint move together, so that it can go on after a crash.

use event_store::{Cut, EventStore, FollowBatch};
use sqlx::PgPool;

use crate::batch;
use crate::error::ProjectionError;
use crate::generation::Generation;
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
    /// Where the log is not folded as it is.
    fitting: Option<Fitting>,
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
            options,
            generation,
            folded: Folded::default(),
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
        let target = &self.target;
        batch
            .events
            .retain(|event| event.at.offset < target.next(event.at.partition));
        batch.cut = batch
            .cut
            .iter()
            .map(|(partition, next)| (partition, next.min(target.next(partition))))
            .collect();
    }

    /// Folds the next events; what lies at or behind the target is left out. After an error nothing but what is written counts.
    pub(crate) async fn take(&mut self, mut batch: FollowBatch) -> Result<(), ProjectionError> {
        self.trim(&mut batch);
        let (pieces, error) = batch::pieces(batch, self.options.batch_events, self.options.batch_bytes);
        for mut piece in pieces {
            let folded = &mut self.folded;
            self.cache
                .load(&self.pool, &piece.events, &Subjects::default(), &mut folded.subjects)
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
    /// log was read.
    pub(crate) async fn run<E: From<ProjectionError>>(
        &mut self,
        store: &dyn EventStore,
        mut prepare: impl FnMut(FollowBatch) -> Result<FollowBatch, E> + Send,
        mut passed: impl FnMut(&Cut) + Send,
    ) -> Result<(), E> {
        let mut read = self.reached.clone();
        if read.covers(&self.target) {
            return Ok(());
        }
        let mut follow = store.follow(read.clone()).await.map_err(ProjectionError::from)?;
        let mut next = Some(follow.next().await.map_err(ProjectionError::from)?);
        while let Some(mut batch) = next.take() {
            read.merge(&batch.cut);
            self.trim(&mut batch);
            let batch = prepare(batch)?;
            if read.covers(&self.target) {
                self.take(batch).await?;
            } else {
                // The next piece is on its way while this one is written.
                let (followed, taken) = tokio::join!(follow.next(), self.take(batch));
                taken?;
                next = Some(followed.map_err(ProjectionError::from)?);
            }
            passed(&read);
        }
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
