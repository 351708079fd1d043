//! Who follows generations.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::AdministrationError;
use crate::advisory_lock;

/// A process that says that it follows a generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct ProcessRecord {
    /// Its number.
    pub id: i32,
    /// What it follows.
    pub generation: String,
    /// Host and process.
    pub name: String,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// When it last looked in, by the clock of the database.
    pub seen_at: DateTime<Utc>,
    /// How long ago that was, in seconds by the same clock.
    pub seen_seconds_ago: f64,
    /// Partitions that it holds.
    pub partitions: i64,
    /// Does its session live? A process that died has none, and others take what it held.
    pub alive: bool,
    /// Where its time went between its last two looks, in milliseconds.
    pub timings: serde_json::Value,
}

/// Every process that follows a generation, or died while it did, oldest first; those that left in good order are gone.
pub async fn processes(pool: &PgPool) -> Result<Vec<ProcessRecord>, AdministrationError> {
    Ok(sqlx::query_as(
        "select projector.id, schema_name as generation, name, started_at, seen_at, \
                extract(epoch from clock_timestamp() - seen_at)::float8 as seen_seconds_ago, \
                (select count(*) from control.checkpoint where checkpoint.holder = projector.id) as partitions, timings, \
                exists (select from pg_locks where locktype = 'advisory' and granted \
                        and database = (select oid from pg_database where datname = current_database()) \
                        and classid::bigint = $1 and objid::bigint = projector.id) as alive \
         from control.projector join control.generation on generation.id = projector.generation \
         where schema_name is not null and left_at is null order by projector.id",
    )
    .bind(advisory_lock::PROJECTOR.class())
    .fetch_all(pool)
    .await?)
}
