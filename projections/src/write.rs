//! Rows and checkpoint in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres};

use crate::checkpoint::{self, CheckpointMove};
use crate::coalesce::CoalescedChanges;
use crate::error::ProjectionError;
use crate::generation::Generation;

mod column;
mod shape;
mod statement;

use column::ColumnValues;
use shape::{Shape, ShapedRows};

/// Most rows of one statement: bounds what one statement holds in memory on both sides.
const ROWS_PER_STATEMENT: usize = 5_000;

/// Writes the changes of batches into one generation.
pub struct Writer {
    pool: PgPool,
    /// Kept from batch to batch: its server process has the plans of all statements, and taking it from the pool and giving it back costs
    /// as much as a small batch.
    connection: Option<PoolConnection<Postgres>>,
    generation: Generation,
    begin: String,
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
             set local idle_in_transaction_session_timeout = '10s'; set local lock_timeout = '10s'"
        );
        Self {
            pool,
            connection: None,
            generation,
            begin,
            statements: HashMap::new(),
        }
    }

    /// Gives the connection back; the next batch takes another one.
    pub fn rest(&mut self) {
        self.connection = None;
    }

    /// Moves the checkpoint and applies the changes, or does nothing.
    ///
    /// After [`ProjectionError::CheckpointMoved`] and after any database error the checkpoint must be read again: a commit whose
    /// answer was lost may have happened.
    pub async fn write(&mut self, changes: CoalescedChanges, advance: &CheckpointMove) -> Result<(), ProjectionError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        let outcome = self.write_on(&mut connection, changes, advance).await;
        if outcome.is_ok() {
            self.connection = Some(connection);
        }
        outcome
    }

    async fn write_on(
        &mut self,
        connection: &mut PgConnection,
        changes: CoalescedChanges,
        advance: &CheckpointMove,
    ) -> Result<(), ProjectionError> {
        let mut transaction = connection.begin_with(AssertSqlSafe(self.begin.clone())).await?;
        if !checkpoint::advance(&mut transaction, self.generation.id, advance).await? {
            transaction.rollback().await?;
            return Err(ProjectionError::CheckpointMoved {
                generation: self.generation.schema.clone(),
            });
        }
        for (table, rows) in changes.into_tables() {
            for shaped in shape::sort_by_shape(table, rows) {
                self.write_rows(&mut transaction, shaped).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn write_rows(&mut self, connection: &mut PgConnection, shaped: ShapedRows) -> Result<(), ProjectionError> {
        let schema = &self.generation.schema;
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
