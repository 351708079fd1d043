//! Calls those of other processes who wait for changes of the read models.
//!
//! In a transaction of its own and for many transactions at once: a notification takes a lock of the whole server while it commits, which
//! nobody's rows should wait for.

use std::time::Duration;

use platform::shutdown::Shutdown;
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::change_feed::CHANNEL;
use crate::error;

/// Shortest time from one call to the next.
const CALL_EVERY: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Caller(Notify);

impl Caller {
    /// A checkpoint has moved.
    pub(super) fn moved(&self) {
        self.0.notify_one();
    }

    /// Calls until shutdown. A call that fails is not made again: the next one will do, and who waits looks by himself from time to time.
    pub(super) async fn run(&self, pool: &PgPool, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.requested() => return,
                () = self.0.notified() => {}
            }
            let called = sqlx::query("select pg_notify($1, '')")
                .bind(CHANNEL)
                .execute(pool)
                .await;
            if let Err(error) = called {
                tracing::debug!(error = error::chain(&error), "nobody could be called");
            }
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(CALL_EVERY) => {}
            }
        }
    }
}
