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
    /// `building`, `following` (level and kept so), `serving`, or of a travel `held` (at its cut, for good).
    pub state: String,
    /// `version`, `rebuild`, or of a travel `as-of` or `branch`.
    pub purpose: String,
    /// The name of a travel, by which it can be asked for too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Until when a travel is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime<Utc>>,
    /// Who may follow it.
    pub fingerprint: String,
    /// The history that it counts in.
    pub epoch: LogEpoch,
    /// Its projectors.
    pub models: Vec<ModelVersion>,
    /// The one read model that it holds, which is to join the generation that serves; none for one of all models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
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
    /// Records that it does not cover yet: of the log, or of a travel up to its cut.
    pub behind: u64,
    /// Records of the log, or of a travel up to its cut.
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
    pub(super) model: Option<String>,
    indexed: bool,
    created_at: DateTime<Utc>,
    level_at: Option<DateTime<Utc>>,
    served_from: Option<DateTime<Utc>>,
    pub(super) served_until: Option<DateTime<Utc>>,
    partitions: Vec<i32>,
    offsets: Vec<i64>,
    name: Option<String>,
    target: Option<sqlx::types::Json<Cut>>,
    complete_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

impl Row {
    pub(crate) fn cut(&self) -> Cut {
        let partitions = self.partitions.iter().copied().map(i32::cast_unsigned);
        let offsets = self.offsets.iter().copied().map(i64::cast_unsigned);
        partitions.zip(offsets).collect()
    }

    /// Was it made to be looked at for a while, and never to serve?
    pub(super) fn is_travel(&self) -> bool {
        self.expires_at.is_some()
    }
}

/// Every generation that can be read, oldest first, those of travels among them.
pub async fn list(pool: &PgPool, store: &dyn EventStore) -> Result<Vec<GenerationRecord>, AdministrationError> {
    let rows = all_rows(&mut *pool.acquire().await?).await?;
    // Asked after the checkpoints, so that none of them can be ahead of it.
    let end = store.end().await.map_err(ProjectionError::from)?;
    let record = |row: Row| {
        let cut = row.cut();
        let wanted = row.target.as_ref().map_or(&end, |target| &target.0);
        let state = match (row.is_travel(), row.complete_at) {
            (true, Some(_)) => "held".to_owned(),
            (true, None) => "building".to_owned(),
            (false, _) => row.state,
        };
        GenerationRecord {
            id: row.id,
            behind: store.behind(wanted, &cut),
            records: store.behind(wanted, &Cut::start()),
            cut,
            generation: row.schema_name,
            state,
            purpose: row.purpose,
            name: row.name,
            expires_at: row.expires_at,
            fingerprint: row.fingerprint,
            epoch: LogEpoch(row.epoch),
            models: row.models.0,
            model: row.model,
            indexed: row.indexed,
            created_at: row.created_at,
            level_at: row.level_at,
            served_from: row.served_from,
            served_until: row.served_until,
        }
    };
    Ok(rows.into_iter().map(record).collect())
}

/// The generations that are followed or may serve, oldest first, each with its checkpoints.
pub(crate) async fn rows(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    let rows = all_rows(connection).await?;
    Ok(rows.into_iter().filter(|row| !row.is_travel()).collect())
}

/// The same, and those of travels.
async fn all_rows(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as(
        "select id, schema_name, state, purpose, fingerprint, epoch, models, model, indexed, created_at, level_at, served_from, served_until, \
                array_agg(partition) as partitions, array_agg(next_offset) as offsets, name, target, complete_at, expires_at \
         from control.generation join control.checkpoint on checkpoint.generation = generation.id \
         left join control.travel on travel.generation = generation.id \
         where (state <> 'retired' or travel.generation is not null) and schema_name is not null \
         group by generation.id, travel.generation order by generation.id",
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
    let rows = all_rows(connection).await?;
    let found = rows
        .into_iter()
        .find(|row| row.schema_name == generation || row.name.as_deref() == Some(generation));
    found.ok_or_else(|| AdministrationError::Unknown {
        generation: generation.to_owned(),
    })
}

/// A generation as a snapshot sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldGeneration {
    /// The schema of its tables.
    pub schema: String,
    /// Its number.
    pub id: i32,
    /// Who may follow it.
    pub fingerprint: String,
    /// Its projectors.
    pub models: Vec<ModelVersion>,
    /// The history that it counts in.
    pub epoch: LogEpoch,
    /// What its rows cover.
    pub cut: Cut,
}

/// Where a generation is in the snapshot of a connection.
pub async fn hold(connection: &mut PgConnection, generation: &str) -> Result<HeldGeneration, AdministrationError> {
    let row = find(connection, generation).await?;
    Ok(HeldGeneration {
        id: row.id,
        cut: row.cut(),
        schema: row.schema_name,
        models: row.models.0,
        fingerprint: row.fingerprint,
        epoch: LogEpoch(row.epoch),
    })
}
