//! From the generation's checkpoint to a cut, chunk by chunk.

use event_store::{Cut, EventStore, FollowBatch};
use sqlx::PgPool;

use crate::batch;
use crate::checkpoint::CheckpointMove;
use crate::error::ProjectionError;
use crate::generation::Generation;
use crate::projector::Projector;
use crate::service::ProjectorOptions;
use crate::service::folded::Folded;
use crate::service::subjects::{SubjectCache, Subjects};
use crate::write::Writer;

pub(super) struct Fill {
    pool: PgPool,
    projectors: Vec<Box<dyn Projector>>,
    options: ProjectorOptions,
    generation: Generation,
    writer: Writer,
    cache: SubjectCache,
    /// What is written.
    reached: Cut,
}

impl Fill {
    pub(super) fn new(
        pool: PgPool,
        generation: Generation,
        projectors: Vec<Box<dyn Projector>>,
        reached: Cut,
        options: &ProjectorOptions,
    ) -> Self {
        Self {
            writer: Writer::new(pool.clone(), generation.clone(), false),
            cache: SubjectCache::new(&generation, options.subject_cache_bytes),
            options: ProjectorOptions {
                batch_events: options.rebuild_batch_events.max(1),
                ..options.clone()
            },
            pool,
            projectors,
            generation,
            reached,
        }
    }

    pub(super) fn generation(&self) -> &Generation {
        &self.generation
    }

    pub(super) fn projectors(&self) -> &[Box<dyn Projector>] {
        &self.projectors
    }

    pub(super) fn reached(&self) -> &Cut {
        &self.reached
    }

    /// Events of one transaction, about.
    pub(super) fn chunk(&self) -> u64 {
        self.options.batch_events as u64
    }

    /// Folds and writes the log up to the target, exactly.
    pub(super) async fn run(
        &mut self,
        store: &dyn EventStore,
        target: &Cut,
        mut passed: impl FnMut(&Cut) + Send,
    ) -> Result<(), ProjectionError> {
        let mut read = self.reached.clone();
        if read.covers(target) {
            return Ok(());
        }
        let mut follow = store.follow(read.clone()).await?;
        let mut folded = Folded::default();
        while !read.covers(target) {
            let batch = up_to(follow.next().await?, target);
            read.merge(&batch.cut);
            let (pieces, error) = batch::pieces(batch, self.options.batch_events, self.options.batch_bytes);
            for piece in pieces {
                self.cache
                    .load(&self.pool, &piece.events, &Subjects::default(), &mut folded.subjects)
                    .await?;
                folded.add(&self.projectors, &piece)?;
                if !folded.has_room(self.options.batch_events, self.options.batch_bytes) {
                    self.write(std::mem::take(&mut folded)).await?;
                    passed(&self.reached);
                }
            }
            error.map_or(Ok(()), Err)?;
        }
        self.write(folded).await?;
        passed(&self.reached);
        self.writer.rest();
        Ok(())
    }

    async fn write(&mut self, folded: Folded) -> Result<(), ProjectionError> {
        if folded.is_empty() {
            return Ok(());
        }
        let advance = CheckpointMove {
            from: self.reached.clone(),
            to: folded.to,
            recorded_at: folded.recorded_at,
        };
        self.writer.write(folded.changes, &advance).await?;
        self.reached.merge(&advance.to);
        self.cache.keep(folded.subjects);
        Ok(())
    }
}

/// Leaves out what lies at or behind the target.
fn up_to(mut batch: FollowBatch, target: &Cut) -> FollowBatch {
    batch
        .events
        .retain(|event| event.at.offset < target.next(event.at.partition));
    let cut = batch.cut.iter();
    batch.cut = cut
        .map(|(partition, next)| (partition, next.min(target.next(partition))))
        .collect();
    batch
}
