//! How far every generation is, for people.

use chrono::{DateTime, Utc};
use event_store::{Cut, EventStore, LogEpoch};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use crate::administration::listing;
use crate::error::ProjectionError;
use crate::fingerprint::ModelVersion;

/// The log's end and every generation's place.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectionStatus {
    /// The history.
    pub epoch: LogEpoch,
    /// The end of every partition.
    pub log_end: Cut,
    /// The generations that are not retired, oldest first.
    pub generations: Vec<GenerationStatus>,
}

/// One generation's place.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationStatus {
    /// Its schema.
    pub schema: String,
    /// `building`, `serving` or `following`.
    pub state: String,
    /// Who may follow it.
    pub fingerprint: String,
    /// The history that it counts in.
    pub epoch: LogEpoch,
    /// Its projectors.
    pub models: Vec<ModelVersion>,
    /// What it covers.
    pub cut: Cut,
    /// Records of the log that it does not cover. Meaningless when its epoch is not the log's.
    pub lag_offsets: u64,
    /// For how long the first event that it does not cover has been in the log.
    pub lag_seconds: f64,
}

/// Compares every generation with the log.
pub async fn status(pool: &PgPool, store: &dyn EventStore) -> Result<ProjectionStatus, ProjectionError> {
    let rows = listing::rows(&mut *pool.acquire().await?).await?;
    // Asked after the checkpoints, so that none of them can be ahead of it.
    let log_end = store.end().await?;
    let mut generations = Vec::new();
    for row in rows {
        let cut = row.cut();
        let lag_offsets = store.behind(&log_end, &cut);
        let lag_seconds = if lag_offsets == 0 {
            0.0
        } else {
            lag_seconds(pool, store, &cut).await?
        };
        generations.push(GenerationStatus {
            schema: row.schema_name,
            state: row.state,
            fingerprint: row.fingerprint,
            epoch: LogEpoch(row.epoch),
            models: row.models.0,
            cut,
            lag_offsets,
            lag_seconds,
        });
    }
    Ok(ProjectionStatus {
        epoch: store.epoch(),
        log_end,
        generations,
    })
}

/// Age of the oldest event after the cut, by the database's clock; zero when only void records are missing.
async fn lag_seconds(pool: &PgPool, store: &dyn EventStore, cut: &Cut) -> Result<f64, ProjectionError> {
    let Some(oldest) = store.first_recorded_after(cut).await? else {
        return Ok(0.0);
    };
    let (now,): (DateTime<Utc>,) = sqlx::query_as("select now()").fetch_one(pool).await?;
    let age = now.signed_duration_since(oldest).to_std().unwrap_or_default();
    Ok(age.as_secs_f64())
}
