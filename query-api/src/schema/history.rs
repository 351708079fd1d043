//! The events of one stream.

use std::sync::Arc;

use async_graphql::{Context, ID, Json, Object};
use chrono::{DateTime, Utc};
use domain::StreamId;
use serde_json::Value;

use super::stored_enums::ActorRole;
use crate::error::QueryError;
use crate::paging::{Connection, PageArguments, SortDirection, Total, fetch_page};
use crate::queries::history::{EventRow, HistorySource, revision_order};
use crate::scalars::BigInt;
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// History.
#[derive(Default)]
pub(crate) struct HistoryQueries;

/// History.
#[Object]
impl HistoryQueries {
    /// The events of a stream (`task-<id>`, `conversation-<id>`), oldest first, as far as the read models go. Role user sees
    /// streams of own conversations and tasks that are not deleted; of others there is nothing.
    #[graphql(complexity = "1 + PageArguments::cost(first, last) * child_complexity")]
    async fn stream_history(
        &self,
        context: &Context<'_>,
        stream: String,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Option<Connection<HistoryEvent>>, QueryError> {
        let request = PageArguments {
            first,
            after,
            last,
            before,
        }
        .for_sort(revision_order(SortDirection::Ascending))?;
        let not_a_stream = QueryError::InvalidArgument {
            argument: "stream",
            reason: "is not the name of a stream",
        };
        let stream = StreamId::parse(&stream).map_err(|_| not_a_stream)?;
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let cut = snapshot
            .cut()
            .iter()
            .map(|(partition, next)| {
                (
                    i32::try_from(partition).unwrap_or(i32::MAX),
                    i64::try_from(next).unwrap_or(i64::MAX),
                )
            })
            .unzip();
        let viewer = *context.data_unchecked::<Viewer>();
        let source = Arc::new(HistorySource {
            viewer,
            stream: stream.as_str().to_owned(),
            cut,
        });
        let page = fetch_page::<EventRow>(&mut snapshot, &*source, &request).await?;
        let page = page.map_all(|rows| rows.into_iter().map(HistoryEvent).collect());
        Ok(Some(Connection::new(page, Total::Counted(source))))
    }
}

/// An event, as it is in the log.
pub(crate) struct HistoryEvent(EventRow);

impl HistoryEvent {
    fn metadata(&self, name: &str) -> Option<&str> {
        self.0.metadata.get(name).and_then(Value::as_str)
    }
}

/// An event, as it is in the log.
#[Object]
impl HistoryEvent {
    /// A UUID.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Its stream.
    async fn stream(&self) -> &str {
        &self.0.stream
    }

    /// Its place in the stream, from 0.
    async fn revision(&self) -> i64 {
        self.0.revision
    }

    /// Its place in the total order of the journal.
    async fn position(&self) -> BigInt {
        BigInt(self.0.position)
    }

    /// `category.what-happened.vN`.
    async fn r#type(&self) -> &str {
        &self.0.r#type
    }

    /// When it happened; may go backwards in imported history.
    async fn time(&self) -> DateTime<Utc> {
        self.0.time
    }

    /// When the log took it.
    async fn recorded_at(&self) -> DateTime<Utc> {
        self.0.recorded_at
    }

    /// What happened.
    async fn data(&self) -> Json<&Value> {
        Json(&self.0.data)
    }

    /// Who caused it.
    async fn actor_id(&self) -> Option<ID> {
        self.metadata("actor").map(ID::from)
    }

    /// In which role.
    async fn role(&self) -> Result<Option<ActorRole>, QueryError> {
        self.metadata("role").map(ActorRole::from_stored).transpose()
    }

    /// The command id, as its principal chose it.
    async fn command_id(&self) -> Option<&str> {
        self.metadata("commandId")
    }

    /// The conversation of requests that it belongs to.
    async fn correlation_id(&self) -> Option<&str> {
        self.metadata("correlationId")
    }

    /// The event or command that led to it.
    async fn causation_id(&self) -> Option<&str> {
        self.metadata("causationId")
    }

    /// Where imported history came from; null for what happened here.
    async fn provenance(&self) -> Option<&str> {
        self.metadata("provenance")
    }
}
