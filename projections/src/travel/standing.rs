//! What stands: the generations of travels as the control tables have them.

use chrono::{DateTime, Utc};
use event_store::{Cut, LogEpoch};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::variant::{Tally, Variant};
use crate::error::ProjectionError;
use crate::fingerprint::ModelVersion;

/// A generation that shows the log up to a cut, or a variant of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Travel {
    /// The schema of its tables.
    pub generation: String,
    /// By which it is asked for.
    pub name: String,
    /// `as-of` or `branch`.
    pub purpose: String,
    /// What it shows.
    pub cut: Cut,
    /// The history that the cut counts in.
    pub epoch: LogEpoch,
    /// Its read models.
    pub models: Vec<ModelVersion>,
    /// When it was complete; none while it is built.
    pub complete_at: Option<DateTime<Utc>>,
    /// Until when it is kept.
    pub expires_at: DateTime<Utc>,
    /// Streams that stand still in it before an event that cannot be projected.
    pub parked: u64,
    /// How a branch differs from the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<serde_json::Value>,
    /// What a branch did to the events of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tally: Option<Tally>,
}

#[derive(sqlx::FromRow)]
struct Row {
    schema_name: String,
    name: String,
    purpose: String,
    target: Json<Cut>,
    epoch: uuid::Uuid,
    models: Json<Vec<ModelVersion>>,
    complete_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    parked: i64,
    variant: Option<serde_json::Value>,
    tally: Option<Json<Tally>>,
}

impl From<Row> for Travel {
    fn from(row: Row) -> Self {
        Self {
            generation: row.schema_name,
            name: row.name,
            purpose: row.purpose,
            cut: row.target.0,
            epoch: LogEpoch(row.epoch),
            models: row.models.0,
            complete_at: row.complete_at,
            expires_at: row.expires_at,
            parked: row.parked.cast_unsigned(),
            variant: row.variant,
            tally: row.tally.map(|tally| tally.0),
        }
    }
}

/// The travel of this name, or of this schema.
pub async fn find(connection: &mut PgConnection, name: &str) -> Result<Option<Travel>, ProjectionError> {
    let row: Option<Row> = sqlx::query_as(
        "select schema_name, name, purpose, target, epoch, models, complete_at, expires_at, variant, tally, \
                (select count(*) from control.parked_stream where parked_stream.generation = generation.id) as parked \
         from control.travel join control.generation on generation.id = travel.generation \
         where travel.name = $1 or generation.schema_name = $1",
    )
    .bind(name)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Travel::from))
}

/// How many there are.
pub(super) async fn count(connection: &mut PgConnection) -> Result<i64, ProjectionError> {
    Ok(sqlx::query_scalar("select count(*) from control.travel")
        .fetch_one(connection)
        .await?)
}

/// The row that makes a generation that of a travel.
pub(super) async fn insert(
    connection: &mut PgConnection,
    id: i32,
    name: &str,
    target: &Cut,
    variant: Option<&Variant>,
) -> Result<(), ProjectionError> {
    sqlx::query(
        // A builder that is killed leaves something to go on from, for an hour.
        "insert into control.travel (generation, name, target, variant, expires_at) values ($1, $2, $3, $4, now() + interval '1 hour')",
    )
    .bind(id)
    .bind(name)
    .bind(Json(target))
    .bind(variant.map(Variant::describe))
    .execute(connection)
    .await?;
    Ok(())
}

/// It has come to its cut.
pub(super) async fn complete(
    connection: &mut PgConnection,
    id: i32,
    lifetime: std::time::Duration,
    tally: Option<&Tally>,
) -> Result<(), ProjectionError> {
    sqlx::query(
        "update control.travel set complete_at = now(), tally = $3, expires_at = now() + make_interval(secs => $2) where generation = $1",
    )
    .bind(id)
    .bind(lifetime.as_secs_f64())
    .bind(tally.map(Json))
    .execute(connection)
    .await?;
    Ok(())
}

/// A generation of the same log and read models that ends at the same cut.
#[derive(sqlx::FromRow)]
pub(super) struct Same {
    pub(super) id: i32,
    pub(super) schema_name: String,
    target: Json<Cut>,
    pub(super) complete: bool,
}

/// The as-of that stands at exactly this cut, or is on its way there.
pub(super) async fn same(
    connection: &mut PgConnection,
    fingerprint: &str,
    epoch: LogEpoch,
    target: &Cut,
) -> Result<Option<Same>, ProjectionError> {
    let found = all_of(connection, fingerprint, epoch).await?;
    // Zero and not named are the same.
    let equal = |found: &Same| found.target.covers(target) && target.covers(&found.target);
    Ok(found.into_iter().find(equal))
}

/// The as-of that stands before this cut, and nearest to it.
pub(super) async fn before(
    connection: &mut PgConnection,
    fingerprint: &str,
    epoch: LogEpoch,
    target: &Cut,
) -> Result<Option<Same>, ProjectionError> {
    let found = all_of(connection, fingerprint, epoch).await?;
    let before = found
        .into_iter()
        .filter(|found| found.complete && target.covers(&found.target));
    Ok(before.max_by_key(|found| found.target.ahead_of(&Cut::start())))
}

/// From now on it is on its way to another cut, kept for an hour should its builder be killed; `false` when it is gone.
pub(super) async fn aim_at(connection: &mut PgConnection, id: i32, target: &Cut) -> Result<bool, ProjectionError> {
    let aimed = sqlx::query(
        "update control.travel set target = $2, complete_at = null, expires_at = now() + interval '1 hour' \
         where generation = $1 and complete_at is not null and expires_at > now()",
    )
    .bind(id)
    .bind(Json(target))
    .execute(connection)
    .await?;
    Ok(aimed.rows_affected() == 1)
}

async fn all_of(
    connection: &mut PgConnection,
    fingerprint: &str,
    epoch: LogEpoch,
) -> Result<Vec<Same>, ProjectionError> {
    Ok(sqlx::query_as(
        "select generation.id, schema_name, target, complete_at is not null as complete \
         from control.travel join control.generation on generation.id = travel.generation \
         where purpose = 'as-of' and fingerprint = $1 and epoch = $2 and expires_at > now() \
         order by complete_at nulls last, generation.id",
    )
    .bind(fingerprint)
    .bind(epoch.0)
    .fetch_all(connection)
    .await?)
}

/// Keeps it at least for so long from now; `false` when it is gone.
pub(super) async fn prolong(
    connection: &mut PgConnection,
    id: i32,
    lifetime: std::time::Duration,
) -> Result<bool, ProjectionError> {
    let prolonged = sqlx::query(
        "update control.travel set expires_at = greatest(expires_at, now() + make_interval(secs => $2)) where generation = $1",
    )
    .bind(id)
    .bind(lifetime.as_secs_f64())
    .execute(connection)
    .await?;
    Ok(prolonged.rows_affected() == 1)
}
