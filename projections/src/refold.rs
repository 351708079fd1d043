//! A second fold: the log again, into a generation that serves nobody, up to exactly one cut, to be compared and dropped.
//!
//! Whoever has the events hands them over ([`Refold::take`]); where they come from does not matter, nor in which order the partitions
//! come. The live projector is not disturbed: the generation is its own, in no state that a projector follows or status shows.
//!
//! [`Refold::drop_generation`] removes everything. What a process that was killed left behind is removed by the next one that begins.

use std::collections::BTreeMap;

use event_store::{Cut, FollowBatch, LogEpoch};
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::advisory_lock;
use crate::bounded_fold::BoundedFold;
use crate::comparison::{self, RowDifference, TEXT_SETTINGS};
use crate::error::ProjectionError;
use crate::fingerprint;
use crate::gaps::Gaps;
use crate::generation::{Generation, Kind, insert};
use crate::leftovers;
use crate::projector::Projector;
use crate::service::ProjectorOptions;
use crate::table::TableDefinition;
use crate::transaction;

/// A generation that is being built.
pub struct Refold {
    pool: PgPool,
    fold: BoundedFold,
    /// Holds the lock that says that this builder lives.
    session: PgConnection,
}

impl Refold {
    /// Makes an empty generation that will end at `target`. Removes what builders that do not live any more left behind.
    ///
    /// `gaps` are those of the generation that it will be held against.
    pub async fn begin(
        pool: PgPool,
        projectors: Vec<Box<dyn Projector>>,
        epoch: LogEpoch,
        (target, gaps): (Cut, Gaps),
        options: ProjectorOptions,
    ) -> Result<Self, ProjectionError> {
        leftovers::drop_leftovers(&pool).await?;
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        let generation = create(&pool, &mut session, &projectors, epoch, &target).await?;
        let from_the_start = (Cut::start(), target);
        Ok(Self {
            fold: BoundedFold::new(pool.clone(), projectors, generation, from_the_start, options).with_gaps(gaps),
            pool,
            session,
        })
    }

    /// The schema of its tables.
    pub fn schema(&self) -> &str {
        &self.fold.generation().schema
    }

    /// Folds the next events; what lies at or behind the target is left out. After an error it can only be dropped.
    pub async fn take(&mut self, batch: FollowBatch) -> Result<(), ProjectionError> {
        self.fold.take(batch).await
    }

    /// Writes what is still in memory. Has the generation come to its target?
    pub async fn finish(&mut self) -> Result<bool, ProjectionError> {
        self.fold.finish().await
    }

    /// Compares every table with that of another generation at the same cut, which `snapshot` sees, and hands every difference over (left:
    /// theirs, right: this fold's); the rows that they have, by table.
    pub async fn compare(
        &self,
        snapshot: &mut PgConnection,
        schema: &str,
        each: impl FnMut(&'static TableDefinition, RowDifference) + Send,
    ) -> Result<BTreeMap<String, u64>, ProjectionError> {
        let mut own = transaction::begin_with(&self.pool, "begin isolation level repeatable read read only").await?;
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut *own).await?;
        let (theirs, ours) = ((snapshot, schema), (&mut *own, self.schema()));
        let rows = comparison::compare(self.fold.projectors(), theirs, ours, each).await?;
        own.rollback().await?;
        Ok(rows)
    }

    /// Removes it.
    pub async fn drop_generation(mut self) -> Result<(), ProjectionError> {
        self.fold.rest();
        leftovers::remove(&mut self.session, self.fold.generation().id).await?;
        self.session.close().await?;
        Ok(())
    }
}

async fn create(
    pool: &PgPool,
    session: &mut PgConnection,
    projectors: &[Box<dyn Projector>],
    epoch: LogEpoch,
    target: &Cut,
) -> Result<Generation, ProjectionError> {
    let fingerprint = fingerprint::fingerprint(projectors);
    let mut transaction = transaction::begin(pool).await?;
    let partitions = target.iter().map(|(partition, _)| partition).collect();
    let (id, schema) = insert(&mut transaction, projectors, epoch, partitions, Kind::Refold).await?;
    // Before anybody can see the row: who sees it and gets the lock knows that its builder is gone.
    advisory_lock::BUILDER.hold(session, id).await?;
    transaction.commit().await?;
    Ok(Generation {
        id,
        schema,
        fingerprint,
        epoch,
    })
}
