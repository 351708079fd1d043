//! Search over messages.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::filters::sought_text;
use super::message::Message;
use crate::error::QueryError;
use crate::paging::{Connection, PageArguments, Total, fetch_page};
use crate::queries::search::{HitRow, SearchSource, highlights, rank_order};
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// Search.
#[derive(Default)]
pub(crate) struct SearchQueries;

/// Search.
#[Object]
impl SearchQueries {
    /// Messages that hold the words, best first. The words as in a web search: `"a phrase"`, `or`, `-without`; English word
    /// endings are ignored.
    #[graphql(complexity = "1 + PageArguments::cost(first, None) * child_complexity")]
    async fn search(
        &self,
        context: &Context<'_>,
        text: String,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Option<Connection<SearchHit>>, QueryError> {
        let request = PageArguments {
            first,
            after,
            ..PageArguments::default()
        }
        .for_sort(rank_order())?;
        let text = sought_text("text", &text)?;
        let source = Arc::new(SearchSource {
            viewer: *context.data_unchecked::<Viewer>(),
            text: text.clone(),
        });
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let page = fetch_page::<HitRow>(&mut snapshot, &*source, &request).await?;
        Ok(Some(Connection::new(
            page.map_all(|rows| SearchHit::page(&text, rows)),
            Total::Counted(source),
        )))
    }
}

/// What the hits of one page load together.
struct HitPage {
    text: String,
    places: Vec<(Uuid, i64)>,
    highlights: OnceCell<HashMap<(Uuid, i64), String>>,
}

/// A message that was found.
pub(crate) struct SearchHit {
    message: Message,
    rank: f32,
    page: Arc<HitPage>,
}

impl SearchHit {
    fn page(text: &str, rows: Vec<HitRow>) -> Vec<Self> {
        let (messages, ranks): (Vec<_>, Vec<_>) = rows.into_iter().map(|row| (row.message, row.rank)).unzip();
        let messages = Message::page(messages);
        let places = messages.iter().map(Message::place).collect();
        let page = Arc::new(HitPage {
            text: text.to_owned(),
            places,
            highlights: OnceCell::new(),
        });
        let hit = |(message, rank)| Self {
            message,
            rank,
            page: Arc::clone(&page),
        };
        messages.into_iter().zip(ranks).map(hit).collect()
    }
}

/// A message that was found.
#[Object]
impl SearchHit {
    /// The message.
    #[graphql(complexity = "1 + child_complexity")]
    async fn message(&self) -> &Message {
        &self.message
    }

    /// How well it fits; comparable only within one search.
    async fn rank(&self) -> f32 {
        self.rank
    }

    /// The found words with their surroundings, as HTML: everything is escaped, and `<mark>` is the only tag.
    #[graphql(complexity = "2")]
    async fn highlight(&self, context: &Context<'_>) -> Result<Option<String>, QueryError> {
        let load = || async {
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            highlights(&mut snapshot, &self.page.text, &self.page.places).await
        };
        let found = self.page.highlights.get_or_try_init(load).await?;
        Ok(found.get(&self.message.place()).cloned())
    }
}
