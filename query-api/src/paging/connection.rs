//! The Relay connection: edges, nodes, page information, and a total that is counted only when asked for.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{Context, Object, OutputType, TypeName};
use sqlx::{Postgres, QueryBuilder};

use super::keyset::{Page, PageSource};
use crate::error::QueryError;
use crate::snapshot::SnapshotSlot;

/// How the total of a list is found.
pub(crate) enum Total {
    /// Known from a row that was read anyway.
    Known(i64),
    /// By counting the source.
    Counted(Arc<dyn PageSource>),
}

/// One page of a list.
pub struct Connection<N: OutputType> {
    edges: Vec<Edge<N>>,
    has_previous: bool,
    has_next: bool,
    total: Total,
}

/// One row of a page.
pub struct Edge<N: OutputType> {
    cursor: String,
    node: N,
}

impl<N: OutputType> Connection<N> {
    /// From a page that was read, and the way to its total.
    pub(crate) fn new(page: Page<N>, total: Total) -> Self {
        let edges = page
            .rows
            .into_iter()
            .map(|(node, cursor)| Edge { cursor, node })
            .collect();
        Self {
            edges,
            has_previous: page.has_previous,
            has_next: page.has_next,
            total,
        }
    }
}

/// One page of a list.
#[Object(name_type)]
impl<N: OutputType> Connection<N> {
    /// The rows with their cursors.
    #[graphql(complexity = "child_complexity")]
    async fn edges(&self) -> &[Edge<N>] {
        &self.edges
    }

    /// The rows without cursors.
    #[graphql(complexity = "child_complexity")]
    async fn nodes(&self) -> Vec<&N> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Where this page lies in the list. A page that begins behind a cursor says that there are rows before it.
    #[graphql(complexity = "1")]
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// All rows of the list that the viewer may see, whatever the page.
    async fn total_count(&self, context: &Context<'_>) -> Result<Option<i64>, QueryError> {
        let source = match &self.total {
            Total::Known(total) => return Ok(Some(*total)),
            Total::Counted(source) => source,
        };
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let mut sql = QueryBuilder::<Postgres>::new("SELECT count(*)");
        source.push_from_where(&mut sql, snapshot.schema_with(source.models(), source.reads())?);
        Ok(Some(sql.build_query_scalar().fetch_one(snapshot.connection()).await?))
    }
}

impl<N: OutputType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <N as OutputType>::type_name()).into()
    }
}

/// One row of a page.
#[Object(name_type)]
impl<N: OutputType> Edge<N> {
    /// Names this row in `after` and `before`; opaque, and good only for a list in the same order.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The row.
    #[graphql(complexity = "child_complexity")]
    async fn node(&self) -> &N {
        &self.node
    }
}

impl<N: OutputType> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", <N as OutputType>::type_name()).into()
    }
}
