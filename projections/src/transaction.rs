//! Transactions on connections of a pool that nobody leaves behind.
//!
//! A `begin` that is cancelled half-way is a transaction that sqlx does not know of: the connection goes back to the pool with it open, and
//! whoever gets it next works in it without ever committing. (sqlx counts a transaction only when the server has answered, and its guard
//! rolls back only what is counted: `PgTransactionManager::begin` of sqlx-postgres 0.9.) Requests are cancelled whenever a client goes away,
//! so what is begun here is begun by a task of its own, which ends it in good order when nobody waits for it any more.

use sqlx::{PgPool, Postgres, SqlSafeStr, Transaction};

/// Begins a transaction with this statement. Cancel safe.
pub(crate) async fn begin_with(
    pool: &PgPool,
    statement: impl SqlSafeStr,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let (pool, statement) = (pool.clone(), statement.into_sql_str());
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
}

/// Begins a transaction. Cancel safe.
pub(crate) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    begin_with(pool, "begin").await
}
