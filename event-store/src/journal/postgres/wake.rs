//! Waking readers: at once in this process, by one debounced NOTIFY for other processes.
//!
//! NOTIFY is never part of an append: PostgreSQL takes a database-wide lock at the commit of a transaction that notifies.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

const CHANNEL: &str = "journal_moved";
/// Other processes hear of a move at most this late, plus a round trip.
const DEBOUNCE: Duration = Duration::from_millis(10);
/// A reader looks again after this time even if nobody woke it: notifications can be lost.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After the connection for notifications was lost.
const RECONNECT: Duration = Duration::from_millis(500);

/// The last known global position. Cheap to clone; its tasks end with the last clone.
#[derive(Clone)]
pub(crate) struct Wake {
    position: Arc<watch::Sender<u64>>,
    outgoing: Arc<watch::Sender<u64>>,
}

impl Wake {
    pub(crate) fn start(pool: PgPool) -> Self {
        let position = Arc::new(watch::Sender::new(0));
        let (outgoing, to_notify) = watch::channel(0);
        tokio::spawn(notify(pool.clone(), to_notify));
        tokio::spawn(listen(pool, Arc::downgrade(&position)));
        Self {
            position,
            outgoing: Arc::new(outgoing),
        }
    }

    /// This process moved the journal.
    pub(crate) fn moved_to(&self, position: u64) {
        raise(&self.position, position);
        self.outgoing.send_replace(position);
    }

    /// Until a position after this one is known, or it is time to look again.
    pub(crate) async fn wait_after(&self, position: u64) {
        let mut receiver = self.position.subscribe();
        let _ = tokio::time::timeout(LOOK_AGAIN, receiver.wait_for(|known| *known > position)).await;
    }

    pub(crate) async fn changed(&self) {
        let _ = self.position.subscribe().changed().await;
    }
}

fn raise(position: &watch::Sender<u64>, to: u64) {
    position.send_if_modified(|known| {
        let higher = to > *known;
        *known = to.max(*known);
        higher
    });
}

async fn notify(pool: PgPool, mut to_notify: watch::Receiver<u64>) {
    while to_notify.changed().await.is_ok() {
        tokio::time::sleep(DEBOUNCE).await;
        let position = *to_notify.borrow_and_update();
        // A lost notification costs other processes at most LOOK_AGAIN.
        let _ = sqlx::query("select pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(position.to_string())
            .execute(&pool)
            .await;
    }
}

async fn listen(pool: PgPool, position: std::sync::Weak<watch::Sender<u64>>) {
    loop {
        if let Ok(mut listener) = PgListener::connect_with(&pool).await
            && listener.listen(CHANNEL).await.is_ok()
        {
            // Not `recv`, which reconnects in silence: a gap in the notifications is worth a look.
            while let Ok(Some(notification)) = listener.try_recv().await {
                let Some(position) = position.upgrade() else { return };
                raise(&position, notification.payload().parse().unwrap_or(0));
            }
        }
        if position.upgrade().is_none() {
            return;
        }
        tokio::time::sleep(RECONNECT).await;
    }
}
