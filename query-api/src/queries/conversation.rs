//! Conversations.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{contains_pattern, push_status_filter, push_time_range};
use crate::error::QueryError;
use crate::live::Reads;
use crate::paging::{PageRow, PageSource};
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// A row of `conversation`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ConversationRow {
    pub(crate) id: Uuid,
    pub(crate) owner_id: Uuid,
    pub(crate) title: String,
    pub(crate) status: String,
    pub(crate) message_count: i64,
    pub(crate) last_message_at: Option<DateTime<Utc>>,
    pub(crate) last_message_preview: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) updated_at: DateTime<Utc>,
    pub(crate) revision: i64,
}

impl PageRow for ConversationRow {
    const COLUMNS: &'static str = "c.id, c.owner_id, c.title, c.status, c.message_count, c.last_message_at, \
        c.last_message_preview, c.created_at, c.updated_at, c.revision";
}

/// Which conversations a list holds.
#[derive(Debug, Clone)]
pub(crate) struct ConversationSource {
    pub(crate) viewer: Viewer,
    pub(crate) status: Option<&'static str>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) created_after: Option<DateTime<Utc>>,
    pub(crate) created_before: Option<DateTime<Utc>>,
    pub(crate) text: Option<String>,
}

impl PageSource for ConversationSource {
    fn models(&self) -> &'static [&'static str] {
        &["conversation"]
    }

    fn reads(&self) -> Reads<'_> {
        Reads::AllConversations
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        sql.push(" FROM ").push(schema).push(".conversation c WHERE true");
        self.viewer.push_owner_rule(sql, "c.owner_id");
        push_status_filter(sql, "c.status", self.status, self.viewer.only_owner().is_none());
        if let Some(owner) = self.owner_id {
            sql.push(" AND c.owner_id = ").push_bind(owner);
        }
        push_time_range(sql, "c.created_at", self.created_after, self.created_before);
        if let Some(text) = &self.text {
            sql.push(" AND c.title ILIKE ").push_bind(contains_pattern(text));
        }
    }
}

/// The conversations with these ids that the viewer may see.
pub(crate) async fn by_ids(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, ConversationRow>, QueryError> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(ConversationRow::COLUMNS)
        .push(" FROM ")
        .push(snapshot.schema_with(&["conversation"], Reads::Conversations(ids))?)
        .push(".conversation c WHERE c.id = ANY(");
    sql.push_bind(ids.to_vec()).push(")");
    viewer.push_row_rule(&mut sql, "c.owner_id", "c.status");
    let rows: Vec<ConversationRow> = sql.build_query_as().fetch_all(snapshot.connection()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
