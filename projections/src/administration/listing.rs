//! Which generations there are.

use chrono::{DateTime, Utc};
use event_store::{Cut, EventStore, LogEpoch};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::AdministrationError;
use crate::error::ProjectionError;
use crate::fingerprint::ModelVersion;

/// A generation as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationRecord {
    /// Its number.
    pub id: i32,
    /// Its schema, by which it is named.
    pub generation: String,
    /// `building`, `following` (level and kept so) or `serving`.
    pub state: String,
    /// `version` or `rebuild`.
    pub purpose: String,
    /// Who may follow it.
    pub fingerprint: String,
    /// The history that it counts in.
    pub epoch: LogEpoch,
    /// Its projectors.
    pub models: Vec<ModelVersion>,
    /// Does it have its secondary indexes yet?
    pub indexed: bool,
    /// Since when it exists.
    pub created_at: DateTime<Utc>,
    /// When it was level for the first time.
    pub level_at: Option<DateTime<Utc>>,
    /// When it last began to serve.
    pub served_from: Option<DateTime<Utc>>,
    /// When it last ended to serve.
    pub served_until: Option<DateTime<Utc>>,
    /// What it covers.
    pub cut: Cut,
    /// Records of the log that it does not cover.
    pub behind: u64,
    /// Records of the log.
    pub records: u64,
}

#[derive(sqlx::FromRow)]
pub(crate) struct Row {
    pub(super) id: i32,
    pub(crate) schema_name: String,
    pub(crate) state: String,
    purpose: String,
    pub(crate) fingerprint: String,
    pub(crate) epoch: Uuid,
    pub(crate) models: sqlx::types::Json<Vec<ModelVersion>>,
    indexed: bool,
    created_at: DateTime<Utc>,
    level_at: Option<DateTime<Utc>>,
    served_from: Option<DateTime<Utc>>,
    pub(super) served_until: Option<DateTime<Utc>>,
    partitions: Vec<i32>,
    offsets: Vec<i64>,
}

impl Row {
    pub(crate) fn cut(&self) -> Cut {
        let partitions = self.partitions.iter().copied().map(i32::cast_unsigned);
        let offsets = self.offsets.iter().copied().map(i64::cast_unsigned);
        partitions.zip(offsets).collect()
    }
}

/// Every generation that can be read, oldest first.
pub async fn list(pool: &PgPool, store: &dyn EventStore) -> Result<Vec<GenerationRecord>, AdministrationError> {
    let rows = rows(&mut *pool.acquire().await?).await?;
    // Asked after the checkpoints, so that none of them can be ahead of it.
    let end = store.end().await.map_err(ProjectionError::from)?;
    let records = store.behind(&end, &Cut::start());
    let record = |row: Row| {
        let cut = row.cut();
        GenerationRecord {
            id: row.id,
            behind: store.behind(&end, &cut),
            cut,
            generation: row.schema_name,
            state: row.state,
            purpose: row.purpose,
            fingerprint: row.fingerprint,
            epoch: LogEpoch(row.epoch),
            models: row.models.0,
            indexed: row.indexed,
            created_at: row.created_at,
            level_at: row.level_at,
            served_from: row.served_from,
            served_until: row.served_until,
            records,
        }
    };
    Ok(rows.into_iter().map(record).collect())
}

/// The generations that can be read, oldest first, each with its checkpoints.
pub(crate) async fn rows(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "select id, schema_name, state, purpose, fingerprint, epoch, models, indexed, created_at, level_at, served_from, served_until, \
                array_agg(partition) as partitions, array_agg(next_offset) as offsets \
         from control.generation join control.checkpoint on checkpoint.generation = generation.id \
         where state <> 'retired' and schema_name is not null group by generation.id order by generation.id",
    )
    .fetch_all(connection)
    .await
}

/// Two administrators at once: the second one waits here. Returns the generation that serves.
pub(super) async fn lock_serving(connection: &mut PgConnection) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar("select generation from control.serving for update")
        .fetch_optional(connection)
        .await
}

pub(super) async fn find(connection: &mut PgConnection, generation: &str) -> Result<Row, AdministrationError> {
    let rows = rows(connection).await?;
    let found = rows.into_iter().find(|row| row.schema_name == generation);
    found.ok_or_else(|| AdministrationError::Unknown {
        generation: generation.to_owned(),
    })
}

/// A generation as a snapshot sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGeneration {
    /// Who may follow it.
    pub fingerprint: String,
    /// The history that it counts in.
    pub epoch: LogEpoch,
    /// What its rows cover.
    pub cut: Cut,
}

/// Where a generation is in the snapshot of a connection.
pub async fn hold(connection: &mut PgConnection, generation: &str) -> Result<HeldGeneration, AdministrationError> {
    let row = find(connection, generation).await?;
    Ok(HeldGeneration {
        cut: row.cut(),
        fingerprint: row.fingerprint,
        epoch: LogEpoch(row.epoch),
    })
}
