//! Messages. Whether one may be seen is decided by its conversation, which is joined each time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use crate::error::QueryError;
use crate::live::Reads;
use crate::paging::{Key, KeyKind, Page, PageRequest, PageRow, PageSource, Sort, SortDirection};
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// A row of `message`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct MessageRow {
    pub(crate) id: Uuid,
    pub(crate) conversation_id: Uuid,
    pub(crate) sequence: i64,
    pub(crate) role: String,
    pub(crate) author_id: Option<Uuid>,
    pub(crate) content: String,
    pub(crate) attachments: Vec<String>,
    pub(crate) model: Option<String>,
    pub(crate) tokens_used: Option<i64>,
    pub(crate) sent_at: DateTime<Utc>,
}

impl PageRow for MessageRow {
    const COLUMNS: &'static str = "m.id, m.conversation_id, m.sequence, m.role, m.author_id, m.content, m.attachments, \
        m.model, m.tokens_used, m.sent_at";
}

/// The order of a thread.
pub(crate) fn thread_order(direction: SortDirection) -> Sort {
    Sort {
        list: "message",
        keys: vec![Key {
            column: "m.sequence",
            kind: KeyKind::Int,
        }],
        direction,
    }
}

/// The messages of one conversation.
#[derive(Debug, Clone)]
pub(crate) struct ThreadSource {
    pub(crate) viewer: Viewer,
    pub(crate) conversation_id: Uuid,
}

impl PageSource for ThreadSource {
    fn models(&self) -> &'static [&'static str] {
        &["message", "conversation"]
    }

    fn reads(&self) -> Reads<'_> {
        Reads::Conversations(std::slice::from_ref(&self.conversation_id))
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        push_messages_seen(sql, schema, &self.viewer);
        sql.push(" AND m.conversation_id = ").push_bind(self.conversation_id);
    }
}

/// ` FROM message m JOIN conversation c WHERE ..`: messages that the viewer may see.
pub(super) fn push_messages_seen(sql: &mut QueryBuilder<Postgres>, schema: &str, viewer: &Viewer) {
    sql.push(" FROM ").push(schema).push(".message m JOIN ").push(schema);
    sql.push(".conversation c ON c.id = m.conversation_id WHERE true");
    viewer.push_row_rule(sql, "c.owner_id", "c.status");
}

/// One page of each of several threads, with one statement.
pub(crate) async fn pages_of_threads(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    conversations: &[Uuid],
    request: &PageRequest,
) -> Result<HashMap<Uuid, Page<MessageRow>>, QueryError> {
    let mut sql = QueryBuilder::new("SELECT page.* FROM unnest(");
    sql.push_bind(conversations.to_vec())
        .push(") AS wanted (id) CROSS JOIN LATERAL (SELECT ");
    sql.push(MessageRow::COLUMNS);
    request.push_keys(&mut sql);
    push_messages_seen(
        &mut sql,
        snapshot.schema_with(&["message", "conversation"], Reads::Conversations(conversations))?,
        &viewer,
    );
    sql.push(" AND m.conversation_id = wanted.id");
    request.push_bounds(&mut sql);
    request.push_order_and_limit(&mut sql);
    sql.push(") AS page");
    let mut threads: HashMap<Uuid, Vec<(MessageRow, String)>> = HashMap::new();
    for row in sql.build().fetch_all(snapshot.connection()).await? {
        let conversation: Uuid = row.try_get("conversation_id")?;
        threads
            .entry(conversation)
            .or_default()
            .push((MessageRow::from_row(&row)?, request.cursor_of(&row)?));
    }
    Ok(conversations
        .iter()
        .map(|id| (*id, request.page_of(threads.remove(id).unwrap_or_default())))
        .collect())
}

/// What was said in a thread after a place in it, oldest first: at most so much.
pub(crate) async fn said_after(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    conversation: Uuid,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<MessageRow>, QueryError> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(MessageRow::COLUMNS);
    let reads = Reads::Conversations(std::slice::from_ref(&conversation));
    push_messages_seen(
        &mut sql,
        snapshot.schema_with(&["message", "conversation"], reads)?,
        &viewer,
    );
    sql.push(" AND m.conversation_id = ").push_bind(conversation);
    sql.push(" AND m.sequence > ").push_bind(after.unwrap_or(-1));
    sql.push(" ORDER BY m.sequence LIMIT ").push_bind(limit);
    Ok(sql.build_query_as().fetch_all(snapshot.connection()).await?)
}

/// The last message of each of these conversations, which the viewer is known to see.
pub(crate) async fn last_of_threads(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    conversations: &[Uuid],
) -> Result<HashMap<Uuid, MessageRow>, QueryError> {
    let newest = PageRequest {
        sort: thread_order(SortDirection::Ascending),
        size: 1,
        backward: true,
        after: None,
        before: None,
    };
    let pages = pages_of_threads(snapshot, viewer, conversations, &newest).await?;
    Ok(pages
        .into_iter()
        .filter_map(|(id, page)| Some((id, page.rows.into_iter().next()?.0)))
        .collect())
}

/// The message with this id. Senders choose ids, so of several the oldest that the viewer may see.
pub(crate) async fn by_id(
    snapshot: &mut OpenSnapshot,
    viewer: Viewer,
    id: Uuid,
) -> Result<Option<MessageRow>, QueryError> {
    let mut sql = QueryBuilder::new("SELECT ");
    sql.push(MessageRow::COLUMNS);
    push_messages_seen(
        &mut sql,
        snapshot.schema_with(&["message", "conversation"], Reads::AllConversations)?,
        &viewer,
    );
    sql.push(" AND m.id = ")
        .push_bind(id)
        .push(" ORDER BY m.sent_at, m.conversation_id, m.sequence LIMIT 1");
    Ok(sql.build_query_as().fetch_optional(snapshot.connection()).await?)
}
