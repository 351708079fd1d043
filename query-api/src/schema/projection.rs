//! How the read models stand.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::error::QueryError;
use crate::queries::projection::{GenerationRow, generations};
use crate::scalars::BigInt;
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// Projections.
#[derive(Default)]
pub(crate) struct ProjectionQueries;

/// Projections.
#[Object]
impl ProjectionQueries {
    /// The generations of read models and how far each is. For admins; null and an error for others.
    #[graphql(complexity = "50 + child_complexity")]
    async fn projections(&self, context: &Context<'_>) -> Result<Option<Vec<Generation>>, QueryError> {
        if !context.data_unchecked::<Viewer>().sees_projections() {
            return Err(QueryError::Forbidden);
        }
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let rows = generations(&mut snapshot).await?;
        rows.into_iter()
            .map(Generation::of_row)
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// One copy of all read models, filled by one set of projectors.
#[derive(SimpleObject)]
pub(crate) struct Generation {
    /// Its number.
    id: i32,
    /// Its PostgreSQL schema.
    schema: Option<String>,
    /// Which projectors, tables and event types it was made with.
    fingerprint: String,
    /// `building`, `serving` or `following`.
    state: String,
    /// Does it answer queries?
    serves: bool,
    /// Its projectors.
    models: Vec<Model>,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When the log took the newest event that it covers.
    recorded_at: Option<DateTime<Utc>>,
    /// Events in the journal that it does not cover yet.
    lag_events: BigInt,
    /// Milliseconds since the log took the oldest event that it does not cover yet.
    lag_ms: BigInt,
}

/// A projector.
#[derive(SimpleObject, Deserialize)]
pub(crate) struct Model {
    /// Its name.
    name: String,
    /// Its version.
    version: i64,
}

impl Generation {
    fn of_row(row: GenerationRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: row.id,
            schema: row.schema_name,
            fingerprint: row.fingerprint,
            state: row.state,
            serves: row.serves,
            models: serde_json::from_value(row.models).map_err(|error| QueryError::Internal(error.into()))?,
            created_at: row.created_at,
            recorded_at: row.recorded_at,
            lag_events: BigInt(row.lag_events),
            lag_ms: BigInt(row.lag_ms),
        })
    }
}
