//! Rows and checkpoint in one transaction.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres};

use crate::change_feed;
use crate::checkpoint::{self, CheckpointMove};
use crate::coalesce::CoalescedChanges;
use crate::error::ProjectionError;
use crate::generation::Generation;
use crate::lease::Fences;
use crate::parking::{self, ParkedStep};

use crate::table::TableKind;
use crate::transaction;

mod column;
mod copy;
mod shape;
mod statement;

use column::ColumnValues;
use shape::{Shape, ShapedRows};

/// Most rows of one statement: bounds what one statement holds in memory on both sides.
const ROWS_PER_STATEMENT: usize = 5_000;

/// So many new rows go in by COPY; with fewer its round trips cost more than it saves. While a generation follows, its transactions are smaller than that.
const COPY_FROM: usize = 1_000;

/// Where the time of a transaction went.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteTimes {
    /// Until the checkpoint was this transaction's: others hold it for a moment when a generation is promoted or compared.
    pub lock_wait: Duration,
    /// Rows.
    pub rows: Duration,
    /// The commit.
    pub commit: Duration,
}

/// Writes the changes of batches into one generation.
pub struct Writer {
    pool: PgPool,
    /// Kept from batch to batch: its server process has the plans of all statements, and taking it from the pool and giving it back costs
    /// as much as a small batch.
    connection: Option<PoolConnection<Postgres>>,
    generation: Generation,
    /// Of the partitions that it may write.
    fences: Fences,
    begin: String,
    /// Does it tell what it changes?
    tells: bool,
    /// Text per table and shape, made once.
    statements: HashMap<(&'static str, Shape), Arc<str>>,
}

impl Writer {
    /// A writer of a generation. With `synchronous_commit` off a crash of the database may take back the last batches whole, rows and
    /// checkpoint together; they are then projected again. The log itself is not concerned.
    pub fn new(pool: PgPool, generation: Generation, synchronous_commit: bool) -> Self {
        let durability = if synchronous_commit { "on" } else { "off" };
        // A projector that hangs in the middle must not hold the checkpoint against the one that takes over.
        let begin = format!(
            "begin; set local synchronous_commit = {durability}; \
             set local idle_in_transaction_session_timeout = '4s'; set local lock_timeout = '10s'"
        );
        Self {
            pool,
            connection: None,
            generation,
            fences: Fences::new(),
            begin,
            tells: false,
            statements: HashMap::new(),
        }
    }

    /// The same for a process that holds these partitions: with another fence nothing is written.
    #[must_use]
    pub(crate) fn fenced(self, fences: Fences) -> Self {
        Self { fences, ..self }
    }

    /// The same for a generation that may be asked at any time: it tells what it changes ([`crate::change_feed`]).
    #[must_use]
    pub(crate) fn telling(self) -> Self {
        Self { tells: true, ..self }
    }

    /// Does it tell what it changes?
    pub(crate) fn tells(&self) -> bool {
        self.tells
    }

    /// Gives the connection back; the next batch takes another one.
    pub fn rest(&mut self) {
        self.connection = None;
    }

    /// Moves the checkpoint and applies the changes, or does nothing.
    ///
    /// After [`ProjectionError::CheckpointMoved`] and after any database error the checkpoint must be read again: a commit whose
    /// answer was lost may have happened.
    pub async fn write(
        &mut self,
        changes: CoalescedChanges,
        advance: &CheckpointMove,
    ) -> Result<WriteTimes, ProjectionError> {
        let mut connection = self.connection().await?;
        let outcome = self.write_on(&mut connection, changes, advance).await;
        if outcome.is_ok() {
            self.connection = Some(connection);
        }
        outcome
    }

    /// Applies what events of a parked stream do, and moves the stream on, while the checkpoint stays where it is, or does nothing.
    pub(crate) async fn write_parked(
        &mut self,
        changes: CoalescedChanges,
        step: &ParkedStep<'_>,
    ) -> Result<(), ProjectionError> {
        let mut transaction = transaction::begin_with(&self.pool, AssertSqlSafe(self.begin.clone())).await?;
        let partition = step.parked.partition;
        let fence = self.fences.get(&partition).copied().unwrap_or(0);
        let id = self.generation.id;
        if !checkpoint::hold(&mut transaction, id, partition, step.next_offset, fence).await? {
            return Err(self.moved());
        }
        self.write_changes(&mut transaction, changes).await?;
        parking::apply(&mut transaction, id, step).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn connection(&mut self) -> Result<PoolConnection<Postgres>, ProjectionError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Ok(self.pool.acquire().await?),
        }
    }

    fn moved(&self) -> ProjectionError {
        ProjectionError::CheckpointMoved {
            generation: self.generation.schema.clone(),
        }
    }

    async fn write_on(
        &mut self,
        connection: &mut PgConnection,
        changes: CoalescedChanges,
        advance: &CheckpointMove,
    ) -> Result<WriteTimes, ProjectionError> {
        let mut last = Instant::now();
        let mut lap = || {
            let now = Instant::now();
            now.duration_since(std::mem::replace(&mut last, now))
        };
        let mut transaction = connection.begin_with(AssertSqlSafe(self.begin.clone())).await?;
        if !checkpoint::advance(&mut transaction, self.generation.id, advance, &self.fences).await? {
            transaction.rollback().await?;
            return Err(self.moved());
        }
        if let Some(changed) = &advance.changed {
            change_feed::record_changes(&mut transaction, self.generation.id, advance, changed).await?;
        }
        let lock_wait = lap();
        self.write_changes(&mut transaction, changes).await?;
        let rows = lap();
        transaction.commit().await?;
        let commit = lap();
        Ok(WriteTimes {
            lock_wait,
            rows,
            commit,
        })
    }

    /// Sums last: others that add to the same rows wait until the end of the transaction.
    async fn write_changes(
        &mut self,
        connection: &mut PgConnection,
        changes: CoalescedChanges,
    ) -> Result<(), ProjectionError> {
        let (sums, others): (Vec<_>, Vec<_>) = changes
            .into_tables()
            .partition(|(table, _)| table.kind == TableKind::Sums);
        for (table, rows) in others.into_iter().chain(sums) {
            for shaped in shape::sort_by_shape(table, rows) {
                self.write_rows(connection, shaped).await?;
            }
        }
        Ok(())
    }

    async fn write_rows(&mut self, connection: &mut PgConnection, shaped: ShapedRows) -> Result<(), ProjectionError> {
        let schema = &self.generation.schema;
        if shaped.shape == Shape::Create && shaped.rows.len() >= COPY_FROM {
            copy::copy(connection, &statement::copy(schema, shaped.table), shaped.rows).await?;
            return Ok(());
        }
        let sql = self
            .statements
            .entry((shaped.table.name, shaped.shape.clone()))
            .or_insert_with(|| statement::text(schema, shaped.table, &shaped.shape).into());
        let columns = shaped.shape.columns(shaped.table);
        let mut rows = shaped.rows.into_iter();
        loop {
            let mut values: Vec<_> = columns
                .iter()
                .map(|column| ColumnValues::new(column.column_type))
                .collect();
            let mut taken = 0;
            for row in rows.by_ref().take(ROWS_PER_STATEMENT) {
                taken += 1;
                for (values, value) in values.iter_mut().zip(row) {
                    values.push(value);
                }
            }
            if taken == 0 {
                return Ok(());
            }
            let query = sqlx::query(AssertSqlSafe(sql.as_ref()));
            values
                .into_iter()
                .fold(query, |query, values| values.bind(query))
                .execute(&mut *connection)
                .await?;
        }
    }
}
