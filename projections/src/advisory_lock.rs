//! Locks that live as long as a session of the database: whoever holds one lives, and nothing has to be noted when a process is killed.
//!
//! Each is a class and the number of what is locked. The server ends a session some time after it was closed, so what others may take at once is
//! given back first.

use sqlx::PgConnection;

/// A class of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AdvisoryLock(i32);

/// Held by a process that follows generations, on its own number; it means "proj".
pub(crate) const PROJECTOR: AdvisoryLock = AdvisoryLock(0x7072_6f6a);
/// Held by who builds a generation up to a cut, on the number of the generation; it means "refo".
pub(crate) const BUILDER: AdvisoryLock = AdvisoryLock(0x7265_666f);
/// Held by who fills a generation of one read model, on its number; it means "mode".
pub(crate) const FILLER: AdvisoryLock = AdvisoryLock(0x6d6f_6465);

impl AdvisoryLock {
    /// As `pg_locks` shows it.
    pub(crate) fn class(self) -> i64 {
        i64::from(self.0)
    }

    /// Waits for it.
    pub(crate) async fn hold(self, session: &mut PgConnection, id: i32) -> Result<(), sqlx::Error> {
        sqlx::query("select pg_advisory_lock($1, $2)")
            .bind(self.0)
            .bind(id)
            .execute(session)
            .await?;
        Ok(())
    }

    /// Takes it, unless somebody has it.
    pub(crate) async fn try_hold(self, session: &mut PgConnection, id: i32) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("select pg_try_advisory_lock($1, $2)")
            .bind(self.0)
            .bind(id)
            .fetch_one(session)
            .await
    }

    /// Gives it back.
    pub(crate) async fn release(self, session: &mut PgConnection, id: i32) -> Result<(), sqlx::Error> {
        sqlx::query("select pg_advisory_unlock($1, $2)")
            .bind(self.0)
            .bind(id)
            .execute(session)
            .await?;
        Ok(())
    }
}
