//! How the generations of read models stand, by the control tables and the journal.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;

use crate::error::QueryError;
use crate::live::Reads;
use crate::snapshot::OpenSnapshot;

/// One generation.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct GenerationRow {
    pub(crate) id: i32,
    pub(crate) schema_name: Option<String>,
    pub(crate) fingerprint: String,
    pub(crate) state: String,
    pub(crate) serves: bool,
    pub(crate) models: Value,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) recorded_at: Option<DateTime<Utc>>,
    pub(crate) lag_events: i64,
    pub(crate) lag_ms: i64,
}

/// All generations that are not retired. Lag is counted in events of the journal that are not covered, and in the time since
/// the log took the oldest of them.
const GENERATIONS: &str = "
    SELECT g.id, g.schema_name, g.fingerprint, g.state, g.models, g.created_at,
        EXISTS (SELECT FROM control.serving s WHERE s.generation = g.id) AS serves,
        (SELECT max(c.recorded_at) FROM control.checkpoint c WHERE c.generation = g.id) AS recorded_at,
        coalesce(sum(behind.events), 0)::bigint AS lag_events,
        greatest(coalesce(extract(epoch FROM clock_timestamp() - min(behind.oldest)) * 1000, 0), 0)::bigint AS lag_ms
    FROM control.generation g
    CROSS JOIN (SELECT generate_series(0, partitions - 1) AS partition FROM journal.head) AS p
    LEFT JOIN control.checkpoint c ON c.generation = g.id AND c.partition = p.partition
    CROSS JOIN LATERAL (
        SELECT count(*) AS events, min(e.recorded_at) AS oldest FROM journal.events e
        WHERE e.partition = p.partition AND e.\"offset\" >= coalesce(c.next_offset, 0)
    ) AS behind
    WHERE g.state <> 'retired'
    GROUP BY g.id
    ORDER BY g.id
    LIMIT 100";

/// Reads them.
pub(crate) async fn generations(snapshot: &mut OpenSnapshot) -> Result<Vec<GenerationRow>, QueryError> {
    snapshot.note(Reads::Everything);
    Ok(sqlx::query_as(GENERATIONS).fetch_all(snapshot.connection()).await?)
}
