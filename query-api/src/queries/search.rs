//! Full-text search over messages.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, QueryBuilder, Row};
use uuid::Uuid;

use super::message::{MessageRow, push_messages_seen};
use crate::error::QueryError;
use crate::live::Reads;
use crate::paging::{Key, KeyKind, PageRow, PageSource, Sort, SortDirection};
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// The configuration of the `search` column; another one would not meet its words.
const TEXT_SEARCH: &str = "websearch_to_tsquery('pg_catalog.english', ";

/// A message that was found.
#[derive(Debug, Clone)]
pub(crate) struct HitRow {
    pub(crate) message: MessageRow,
    pub(crate) rank: f32,
}

impl FromRow<'_, PgRow> for HitRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            message: MessageRow::from_row(row)?,
            rank: row.try_get("rank")?,
        })
    }
}

impl PageRow for HitRow {
    const COLUMNS: &'static str = "m.id, m.conversation_id, m.sequence, m.role, m.author_id, m.content, m.attachments, \
        m.model, m.tokens_used, m.sent_at, m.rank";
}

/// Best first; among equals by place, so that paging is stable.
pub(crate) fn rank_order() -> Sort {
    let keys = vec![
        Key {
            column: "m.rank",
            kind: KeyKind::Real,
        },
        Key {
            column: "m.conversation_id",
            kind: KeyKind::Uuid,
        },
        Key {
            column: "m.sequence",
            kind: KeyKind::Int,
        },
    ];
    Sort {
        list: "search",
        keys,
        direction: SortDirection::Descending,
    }
}

/// Messages that hold the words.
#[derive(Debug, Clone)]
pub(crate) struct SearchSource {
    pub(crate) viewer: Viewer,
    pub(crate) text: String,
}

impl PageSource for SearchSource {
    fn models(&self) -> &'static [&'static str] {
        &["message", "conversation"]
    }

    fn reads(&self) -> Reads<'_> {
        Reads::AllConversations
    }

    fn push_from_where(&self, sql: &mut QueryBuilder<Postgres>, schema: &str) {
        sql.push(" FROM (SELECT ")
            .push(MessageRow::COLUMNS)
            .push(", ts_rank(m.search, ");
        sql.push(TEXT_SEARCH).push_bind(self.text.clone()).push(")) AS rank");
        push_messages_seen(sql, schema, &self.viewer);
        // A deleted conversation is in no search, for nobody.
        sql.push(" AND c.status <> 'deleted' AND m.search @@ ");
        sql.push(TEXT_SEARCH)
            .push_bind(self.text.clone())
            .push(")) AS m WHERE true");
    }
}

/// Begins and ends a found word while the text is still text; no message can hold them, they are removed before.
const MARK_BEGIN: char = '\u{e000}';
const MARK_END: char = '\u{e001}';

/// The surroundings of the words in these messages, as HTML whose only tag is `mark`. Only for messages that were found for
/// this viewer: the owner rule was applied there.
pub(crate) async fn highlights(
    snapshot: &mut OpenSnapshot,
    text: &str,
    places: &[(Uuid, i64)],
) -> Result<HashMap<(Uuid, i64), String>, QueryError> {
    let (conversations, sequences): (Vec<Uuid>, Vec<i64>) = places.iter().copied().unzip();
    let mut sql =
        QueryBuilder::<Postgres>::new("SELECT m.conversation_id, m.sequence, ts_headline('pg_catalog.english', ");
    sql.push("translate(m.content, ")
        .push_bind(format!("{MARK_BEGIN}{MARK_END}"))
        .push(", ''), ");
    sql.push(TEXT_SEARCH).push_bind(text.to_owned()).push("), ");
    sql.push_bind(format!(
        "StartSel={MARK_BEGIN}, StopSel={MARK_END}, MaxFragments=2, MinWords=5, MaxWords=25, FragmentDelimiter=\" … \""
    ));
    sql.push(") AS headline FROM unnest(")
        .push_bind(conversations)
        .push(", ")
        .push_bind(sequences);
    sql.push(") AS place (conversation_id, sequence) JOIN ")
        .push(snapshot.schema_with(&["message"], Reads::AllConversations)?);
    sql.push(".message m USING (conversation_id, sequence)");
    let rows: Vec<(Uuid, i64, String)> = sql.build_query_as().fetch_all(snapshot.connection()).await?;
    Ok(rows
        .into_iter()
        .map(|(id, sequence, headline)| ((id, sequence), marked_html(&headline)))
        .collect())
}

/// Escapes a text for HTML and turns the private characters into `mark`.
fn marked_html(headline: &str) -> String {
    let mut html = String::with_capacity(headline.len() + 32);
    for character in headline.chars() {
        match character {
            MARK_BEGIN => html.push_str("<mark>"),
            MARK_END => html.push_str("</mark>"),
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::marked_html;

    #[test]
    fn a_highlight_is_safe_html() {
        assert_eq!(
            marked_html("a <script> & \u{e000}kafka\u{e001} \"x\""),
            "a &lt;script&gt; &amp; <mark>kafka</mark> &quot;x&quot;"
        );
    }
}
