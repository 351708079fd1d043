//! Snapshots of long streams: folded states, so that a load does not read everything again.
//!
//! A droppable cache. Losing one costs time; a wrong one cannot be used, because its reader compares the last event that it holds with the
//! stream's own.

use async_trait::async_trait;
use domain::{EventId, StreamId};
use sqlx::{PgPool, Row as _};

use crate::error::StoreError;
use crate::journal::rows::{database_error, get, signed, unsigned};

/// Largest content in bytes; what is larger is not kept.
pub const MAX_BYTES: usize = 8 << 20;

/// The state of a stream after one of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// Which fold made it ([`domain::Aggregate::FOLD_VERSION`]).
    pub fold_version: u32,
    /// The last event that was folded.
    pub revision: u64,
    /// The id of that event: a stream that has another one there has another history.
    pub event: EventId,
    /// What was folded; only its maker can read it.
    pub content: Vec<u8>,
}

/// Where snapshots are kept.
#[async_trait]
pub trait Snapshots: Send + Sync + 'static {
    /// The snapshot of a stream by this fold.
    async fn load(&self, stream: &StreamId, fold_version: u32) -> Result<Option<Snapshot>, StoreError>;

    /// Keeps a snapshot in place of the one before, and drops those of older folds.
    async fn save(&self, snapshot: &Snapshot) -> Result<(), StoreError>;
}

/// Snapshots in table `journal.snapshots`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresSnapshots {
    pool: PgPool,
}

impl PostgresSnapshots {
    /// In a database whose schema is up to date ([`crate::journal::migrate::migrate`]).
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl Snapshots for PostgresSnapshots {
    async fn load(&self, stream: &StreamId, fold_version: u32) -> Result<Option<Snapshot>, StoreError> {
        let row = sqlx::query(
            "select revision, event, content from journal.snapshots where stream = $1 and fold_version = $2",
        )
        .bind(stream.as_str())
        .bind(i64::from(fold_version))
        .fetch_optional(&self.pool)
        .await
        .map_err(|error| database_error(&error))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Snapshot {
            stream: stream.clone(),
            fold_version,
            revision: unsigned(get(&row, "revision")?)?,
            event: EventId::new(get(&row, "event")?),
            content: row.try_get("content").map_err(|error| database_error(&error))?,
        }))
    }

    async fn save(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        if snapshot.content.len() > MAX_BYTES {
            return Ok(());
        }
        sqlx::query(
            "with older as (delete from journal.snapshots where stream = $1 and fold_version < $2)
             insert into journal.snapshots (stream, fold_version, revision, event, content) values ($1, $2, $3, $4, $5)
             on conflict (stream, fold_version) do update
             set revision = excluded.revision, event = excluded.event, content = excluded.content, taken_at = now()",
        )
        .bind(snapshot.stream.as_str())
        .bind(i64::from(snapshot.fold_version))
        .bind(signed(snapshot.revision))
        .bind(snapshot.event.as_uuid())
        .bind(&snapshot.content)
        .execute(&self.pool)
        .await
        .map_err(|error| database_error(&error))?;
        Ok(())
    }
}
