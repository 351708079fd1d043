//! The feed of what happened.

use chrono::{DateTime, Utc};
use event_store::Cut;
use sqlx::{FromRow, Postgres, QueryBuilder, Row as _};
use uuid::Uuid;

use super::push_time_range;
use crate::error::QueryError;
use crate::live::Reads;
use crate::paging::{Key, KeyKind, PageRow, PageSource, Sort, SortDirection};
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// A row of `activity`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ActivityRow {
    pub(crate) id: Uuid,
    pub(crate) at: DateTime<Utc>,
    pub(crate) r#type: String,
    pub(crate) stream: String,
    pub(crate) revision: i64,
    pub(crate) subject_kind: String,
    pub(crate) subject_id: Uuid,
    pub(crate) owner_id: Uuid,
    pub(crate) actor_id: Uuid,
    pub(crate) role: String,
    pub(crate) summary: String,
}

impl PageRow for ActivityRow {
    const COLUMNS: &'static str = "a.id, a.at, a.type, a.stream, a.revision, a.subject_kind, a.subject_id, a.owner_id, \
        a.actor_id, a.role, a.summary";
}

/// By the time of the events.
pub(crate) fn time_order(direction: SortDirection) -> Sort {
    let keys = vec![
        Key {
            column: "a.at",
            kind: KeyKind::Time,
        },
        Key {
            column: "a.id",
            kind: KeyKind::Uuid,
        },
    ];
    Sort {
        list: "activity",
        keys,
        direction,
    }
}

/// Which activity a list holds.
#[derive(Debug, Clone)]
pub(crate) struct ActivitySource {
    pub(crate) viewer: Viewer,
    pub(crate) event_type: Option<String>,
    pub(crate) subject_kind: Option<&'static str>,
    pub(crate) subject_id: Option<Uuid>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) after: Option<DateTime<Utc>>,
    pub(crate) before: Option<DateTime<Utc>>,
}

/// What happened, and where in the order of the journal.
pub(crate) struct PlacedActivity {
    pub(crate) position: i64,
    pub(crate) row: ActivityRow,
}

impl ActivitySource {
    /// What happened at positions from `from` up to `below`, as far as it lies beyond the cut, in the order of the journal: at most so much.
    pub(crate) async fn between(
        &self,
        snapshot: &mut OpenSnapshot,
        (from, below): (i64, i64),
        beyond: &Cut,
        limit: i64,
    ) -> Result<Vec<PlacedActivity>, QueryError> {
        let to_signed = |(partition, _): (u32, u64)| (partition.cast_signed(), beyond.next(partition).cast_signed());
        let (partitions, offsets): (Vec<i32>, Vec<i64>) = snapshot.cut().iter().map(to_signed).unzip();
        let schema = snapshot.schema_with(self.models(), Reads::Everything)?;
        let mut sql = QueryBuilder::new("SELECT e.position, ");
        sql.push(ActivityRow::COLUMNS)
            .push(" FROM journal.events e JOIN unnest(");
        sql.push_bind(partitions).push(", ").push_bind(offsets);
        sql.push(") AS beyond (partition, next_offset) ON beyond.partition = e.partition AND e.\"offset\" >= beyond.next_offset JOIN ");
        sql.push(schema)
            .push(".subject s ON s.stream = e.stream JOIN ")
            .push(schema);
        sql.push(".activity a ON a.subject_id = s.id AND a.revision = e.revision AND a.subject_kind = s.kind WHERE e.position >= ");
        sql.push_bind(from).push(" AND e.position < ").push_bind(below);
        self.push_conditions(&mut sql, schema);
        sql.push(" ORDER BY e.position LIMIT ").push_bind(limit);
        let rows = sql.build().fetch_all(snapshot.connection()).await?;
        let placed = rows.iter().map(|row| {
            Ok(PlacedActivity {
                position: row.try_get("position")?,
                row: ActivityRow::from_row(row)?,
            })
        });
        Ok(placed.collect::<Result<_, sqlx::Error>>()?)
    }

    fn push_conditions(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        self.viewer.push_owner_rule(sql, "a.owner_id");
        if self.viewer.only_owner().is_some() {
            sql.push(" AND NOT EXISTS (SELECT FROM ").push(schema);
            sql.push(".subject s WHERE s.stream = a.stream AND s.status = 'deleted')");
        }
        if let Some(event_type) = &self.event_type {
            sql.push(" AND a.type = ").push_bind(event_type.clone());
        }
        if let Some(kind) = self.subject_kind {
            sql.push(" AND a.subject_kind = ").push_bind(kind);
        }
        if let Some(subject) = self.subject_id {
            sql.push(" AND a.subject_id = ").push_bind(subject);
        }
        if let Some(owner) = self.owner_id {
            sql.push(" AND a.owner_id = ").push_bind(owner);
        }
        if let Some(actor) = self.actor_id {
            sql.push(" AND a.actor_id = ").push_bind(actor);
        }
        push_time_range(sql, "a.at", self.after, self.before);
    }
}

impl PageSource for ActivitySource {
    fn models(&self) -> &'static [&'static str] {
        &["activity"]
    }

    fn reads(&self) -> Reads<'_> {
        Reads::Everything
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        sql.push(" FROM ").push(schema).push(".activity a WHERE true");
        self.push_conditions(sql, schema);
    }
}
