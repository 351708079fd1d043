//! A second fold: the log again, into a generation that serves nobody, up to exactly one cut, to be compared and dropped.
//!
//! Whoever has the events hands them over ([`Refold::take`]); where they come from does not matter, nor in which order the partitions
//! come. The live projector is not disturbed: the generation is its own, in no state that a projector follows or status shows.
//!
//! [`Refold::drop_generation`] removes everything. What a process that was killed left behind is removed by the next one that begins: a
//! lock that belongs to the session of the builder tells whether it still lives.

use std::collections::BTreeMap;

use event_store::{Cut, FollowBatch, LogEpoch};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

use crate::batch;
use crate::checkpoint::CheckpointMove;
use crate::comparison::{self, RowDifference, TEXT_SETTINGS};
use crate::error::ProjectionError;
use crate::fingerprint;
use crate::generation::{Generation, Kind, insert};
use crate::projector::Projector;
use crate::service::ProjectorOptions;
use crate::service::folded::Folded;
use crate::service::subjects::{SubjectCache, Subjects};
use crate::table::TableDefinition;
use crate::write::Writer;

/// First half of the advisory locks of living builders, the second is the number of the generation; it means "refo".
const BUILDER_LOCK: i32 = 0x7265_666f;

/// A generation that is being built.
pub struct Refold {
    pool: PgPool,
    projectors: Vec<Box<dyn Projector>>,
    options: ProjectorOptions,
    generation: Generation,
    /// Holds the lock that says that this builder lives.
    session: PgConnection,
    writer: Writer,
    cache: SubjectCache,
    folded: Folded,
    target: Cut,
    reached: Cut,
}

impl Refold {
    /// Makes an empty generation that will end at `target`. Removes what builders that do not live any more left behind.
    pub async fn begin(
        pool: PgPool,
        projectors: Vec<Box<dyn Projector>>,
        epoch: LogEpoch,
        target: Cut,
        options: ProjectorOptions,
    ) -> Result<Self, ProjectionError> {
        drop_abandoned(&pool).await?;
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        let generation = create(&pool, &mut session, &projectors, epoch, &target).await?;
        Ok(Self {
            writer: Writer::new(pool.clone(), generation.clone(), false),
            cache: SubjectCache::new(&generation, options.subject_cache_bytes),
            pool,
            projectors,
            options,
            generation,
            session,
            folded: Folded::default(),
            target,
            reached: Cut::start(),
        })
    }

    /// The schema of its tables.
    pub fn schema(&self) -> &str {
        &self.generation.schema
    }

    /// Folds the next events; what lies at or behind the target is left out. After an error it can only be dropped.
    pub async fn take(&mut self, mut batch: FollowBatch) -> Result<(), ProjectionError> {
        let target = &self.target;
        batch
            .events
            .retain(|event| event.at.offset < target.next(event.at.partition));
        batch.cut = batch
            .cut
            .iter()
            .map(|(partition, next)| (partition, next.min(target.next(partition))))
            .collect();
        let (pieces, error) = batch::pieces(batch, self.options.batch_events, self.options.batch_bytes);
        for piece in pieces {
            let folded = &mut self.folded;
            self.cache
                .load(&self.pool, &piece.events, &Subjects::default(), &mut folded.subjects)
                .await?;
            folded.add(&self.projectors, &piece)?;
            if !folded.has_room(self.options.batch_events, self.options.batch_bytes) {
                self.write().await?;
            }
        }
        error.map_or(Ok(()), Err)
    }

    /// Writes what is still in memory. Has the generation come to its target?
    pub async fn finish(&mut self) -> Result<bool, ProjectionError> {
        self.write().await?;
        self.writer.rest();
        Ok(self.reached.covers(&self.target))
    }

    async fn write(&mut self) -> Result<(), ProjectionError> {
        let folded = std::mem::take(&mut self.folded);
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

    /// Compares every table with that of another generation at the same cut, which `snapshot` sees, and hands every difference over (left:
    /// theirs, right: this fold's); the rows that they have, by table.
    pub async fn compare(
        &self,
        snapshot: &mut PgConnection,
        schema: &str,
        each: impl FnMut(&'static TableDefinition, RowDifference) + Send,
    ) -> Result<BTreeMap<String, u64>, ProjectionError> {
        let mut own = self
            .pool
            .begin_with("begin isolation level repeatable read read only")
            .await?;
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut *own).await?;
        let (theirs, ours) = ((snapshot, schema), (&mut *own, self.schema()));
        let rows = comparison::compare(&self.projectors, theirs, ours, each).await?;
        own.rollback().await?;
        Ok(rows)
    }

    /// Removes it.
    pub async fn drop_generation(mut self) -> Result<(), ProjectionError> {
        self.writer.rest();
        remove(&mut self.session, self.generation.id).await?;
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
    let mut transaction = pool.begin().await?;
    let partitions = target.iter().map(|(partition, _)| partition).collect();
    let (id, schema) = insert(&mut transaction, projectors, epoch, partitions, Kind::Refold).await?;
    // Before anybody can see the row: who sees it and gets the lock knows that its builder is gone.
    sqlx::query("select pg_advisory_lock($1, $2)")
        .bind(BUILDER_LOCK)
        .bind(id)
        .execute(session)
        .await?;
    transaction.commit().await?;
    Ok(Generation {
        id,
        schema,
        fingerprint,
        epoch,
    })
}

/// Removes generations whose builders do not live any more; how many.
pub async fn drop_abandoned(pool: &PgPool) -> Result<usize, ProjectionError> {
    let ids: Vec<i32> = sqlx::query_scalar(
        "select id from control.generation where state = 'retired' and schema_name = 'refold_' || id order by id",
    )
    .fetch_all(pool)
    .await?;
    let mut removed = 0;
    for id in ids {
        let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
        let abandoned: bool = sqlx::query_scalar("select pg_try_advisory_lock($1, $2)")
            .bind(BUILDER_LOCK)
            .bind(id)
            .fetch_one(&mut session)
            .await?;
        if abandoned {
            remove(&mut session, id).await?;
            removed += 1;
        }
        session.close().await?;
    }
    Ok(removed)
}

async fn remove(connection: &mut PgConnection, id: i32) -> Result<(), ProjectionError> {
    let mut transaction = connection.begin().await?;
    let sql = format!("set local lock_timeout = '10s'; drop schema if exists refold_{id} cascade");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
    // Its checkpoints go with it.
    sqlx::query("delete from control.generation where id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
