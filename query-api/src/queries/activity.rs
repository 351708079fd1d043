//! The feed of what happened.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::push_time_range;
use crate::paging::{Key, KeyKind, PageRow, PageSource, Sort, SortDirection};
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

impl PageSource for ActivitySource {
    fn models(&self) -> &'static [&'static str] {
        &["activity"]
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        sql.push(" FROM ").push(schema).push(".activity a WHERE true");
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
