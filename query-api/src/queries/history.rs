//! The events of one stream, from the journal, as far as the read models of the same answer go.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::live::Reads;
use crate::paging::{Key, KeyKind, PageRow, PageSource, Sort, SortDirection};
use crate::viewer::Viewer;

/// An event of `journal.events`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct EventRow {
    pub(crate) id: Uuid,
    pub(crate) stream: String,
    pub(crate) revision: i64,
    pub(crate) position: i64,
    pub(crate) r#type: String,
    pub(crate) time: DateTime<Utc>,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) data: Value,
    pub(crate) metadata: Value,
}

impl PageRow for EventRow {
    const COLUMNS: &'static str =
        "e.id, e.stream, e.revision, e.position, e.type, e.time, e.recorded_at, e.data, e.metadata";
}

/// By revision.
pub(crate) fn revision_order(direction: SortDirection) -> Sort {
    Sort {
        list: "history",
        keys: vec![Key {
            column: "e.revision",
            kind: KeyKind::Int,
        }],
        direction,
    }
}

/// One stream, if the viewer may see its subject.
#[derive(Debug, Clone)]
pub(crate) struct HistorySource {
    pub(crate) viewer: Viewer,
    pub(crate) stream: String,
    /// Partitions of the answer's cut, and the next offset of each.
    pub(crate) cut: (Vec<i32>, Vec<i64>),
}

impl PageSource for HistorySource {
    fn models(&self) -> &'static [&'static str] {
        &[]
    }

    fn reads(&self) -> Reads<'_> {
        Reads::Stream(&self.stream)
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        sql.push(" FROM journal.events e JOIN unnest(")
            .push_bind(self.cut.0.clone())
            .push(", ");
        sql.push_bind(self.cut.1.clone())
            .push(") AS cut (partition, next_offset)");
        // The journal may be ahead of the read models: an answer shows one moment.
        sql.push(" ON cut.partition = e.partition AND e.\"offset\" < cut.next_offset WHERE e.stream = ");
        sql.push_bind(self.stream.clone());
        if let Some(owner) = self.viewer.only_owner() {
            sql.push(" AND EXISTS (SELECT FROM ")
                .push(schema)
                .push(".subject s WHERE s.stream = e.stream");
            sql.push(" AND s.status <> 'deleted' AND s.owner_id = ")
                .push_bind(owner)
                .push(")");
        }
    }
}
