//! Following the journal from a cut, in the order of positions.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::everywhere;
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::journal::Journal;
use crate::journal::postgres::{KEEP_CONNECTION, PostgresJournal, integer};
use crate::log::{GATHER_FOR, WORTH_A_READ};
use crate::position::{Cut, Position};
use crate::store::{Follow, FollowBatch, ReadAllOptions};

/// Events in one batch, or about that many where only some partitions are followed.
const BATCH: usize = 2_000;

pub(super) struct PostgresFollow {
    journal: PostgresJournal,
    followed: Arc<Followed>,
    from: Cut,
    after: Position,
    /// It gathers: while events come one by one, reading each by itself costs more than writing it.
    not_before: Instant,
    /// Kept while events come: taking it from the pool and giving it back costs as much as reading a few of them.
    connection: Option<PoolConnection<Postgres>>,
    /// The next page, while there is more than one: the server reads it while the one before is being used. Whoever drops this lets it come to
    /// its end.
    ahead: Option<JoinHandle<Read>>,
}

/// What comes next; nothing when there is nothing yet.
struct Page {
    events: Vec<RecordedEvent>,
    /// Through this position they are everything.
    through: Position,
    /// There is more behind it.
    is_full: bool,
}

/// With the connection that it was read on, unless that failed.
type Read = Result<(PoolConnection<Postgres>, Option<Page>), StoreError>;

/// Which part of the log.
enum Followed {
    Everything { partitions: u32 },
    Some { partitions: BTreeSet<u32>, of: u32 },
}

impl PostgresFollow {
    pub(super) fn start(journal: PostgresJournal, all: u32, partitions: BTreeSet<u32>, from: Cut) -> Self {
        // A cut of this store is usually the same everywhere; one that is not is read from its lowest place and filtered.
        let lowest = partitions.iter().map(|partition| from.next(*partition)).min();
        let followed = if (0..all).all(|partition| partitions.contains(&partition)) {
            Followed::Everything { partitions: all }
        } else {
            Followed::Some { partitions, of: all }
        };
        Self {
            journal,
            followed: Arc::new(followed),
            from,
            after: Position(lowest.unwrap_or(0).saturating_sub(1)),
            not_before: Instant::now(),
            connection: None,
            ahead: None,
        }
    }

    /// The next page, which may be on its way already. Cancel safe: what is on its way stays there.
    async fn read(&mut self) -> Read {
        if let Some(ahead) = &mut self.ahead {
            let read = ahead.await;
            self.ahead = None;
            return read.unwrap_or_else(|_| {
                Err(StoreError::Unavailable {
                    reason: "reading the journal ended".to_owned(),
                })
            });
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.journal.connection().await?,
        };
        self.followed.read(connection, self.after).await
    }
}

impl Followed {
    async fn read(&self, mut connection: PoolConnection<Postgres>, after: Position) -> Read {
        let page = self.page(&mut connection, after).await?;
        Ok((connection, page))
    }

    async fn page(&self, connection: &mut PgConnection, after: Position) -> Result<Option<Page>, StoreError> {
        match self {
            Self::Everything { .. } => {
                let options = ReadAllOptions {
                    after,
                    max_count: BATCH,
                };
                let events = PostgresJournal::read_all_on(connection, &options).await?;
                let last = events.last().and_then(|event| event.position);
                Ok(last.map(|through| Page {
                    is_full: events.len() >= BATCH,
                    events,
                    through,
                }))
            }
            Self::Some { partitions, of } => {
                // Positions become visible in order: through this one everything can be seen by the next statement.
                let last = PostgresJournal::last_position_on(connection).await?;
                if last <= after {
                    return Ok(None);
                }
                let share = (BATCH as u64).saturating_mul(u64::from(*of)) / (partitions.len().max(1) as u64);
                let through = last.min(Position(after.0 + share));
                let wanted: Vec<i32> = partitions.iter().copied().map(integer).collect();
                let events = PostgresJournal::read_partitions_on(connection, &wanted, after, through).await?;
                Ok(Some(Page {
                    events,
                    through,
                    is_full: through < last,
                }))
            }
        }
    }

    fn cut(&self, next: u64) -> Cut {
        match self {
            Self::Everything { partitions } => everywhere(*partitions, next),
            Self::Some { partitions, .. } => partitions.iter().map(|partition| (*partition, next)).collect(),
        }
    }
}

#[async_trait]
impl Follow for PostgresFollow {
    async fn next(&mut self) -> Result<FollowBatch, StoreError> {
        loop {
            tokio::time::sleep_until(self.not_before).await;
            let (connection, page) = self.read().await?;
            let Some(Page {
                mut events,
                through,
                is_full,
            }) = page
            else {
                self.connection = Some(connection);
                let woken = self.journal.wait_after(self.after);
                if tokio::time::timeout(KEEP_CONNECTION, woken).await.is_err() {
                    self.connection = None;
                    self.journal.wait_after(self.after).await?;
                }
                continue;
            };
            self.after = through;
            if is_full {
                let followed = Arc::clone(&self.followed);
                self.ahead = Some(tokio::spawn(async move { followed.read(connection, through).await }));
            } else {
                self.connection = Some(connection);
            }
            if !is_full && events.len() < WORTH_A_READ {
                self.not_before = Instant::now() + GATHER_FOR;
            }
            events.retain(|event| event.at.offset >= self.from.next(event.at.partition));
            return Ok(FollowBatch {
                events,
                cut: self.followed.cut(through.0 + 1),
            });
        }
    }
}
