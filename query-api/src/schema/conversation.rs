//! Conversations.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use domain::StreamId;
use uuid::Uuid;

use super::filters::{OrderDirection, optional_uuid_of, sought_text, uuid_of};
use super::message::Message;
use super::siblings::{Siblings, SiblingsByArguments};
use super::stored_enums::ConversationStatus;
use crate::error::QueryError;
use crate::paging::{Connection, Key, KeyKind, Page, PageArguments, Sort, SortDirection, Total, fetch_page};
use crate::queries::conversation::{self as rows, ConversationRow, ConversationSource};
use crate::queries::message::{MessageRow, last_of_threads, pages_of_threads, thread_order};
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// Queries for conversations.
#[derive(Default)]
pub(crate) struct ConversationQueries;

/// Queries for conversations.
#[Object]
impl ConversationQueries {
    /// One conversation; null when there is none that the viewer may see.
    async fn conversation(&self, context: &Context<'_>, id: ID) -> Result<Option<Conversation>, QueryError> {
        load(context, uuid_of("id", &id)?).await
    }

    /// Conversations, last changed first unless ordered otherwise. Deleted ones only when filtered for, and never for role user.
    #[graphql(complexity = "1 + PageArguments::cost(first, last) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn conversations(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<ConversationFilter>,
        order_by: Option<ConversationOrder>,
    ) -> Result<Option<Connection<Conversation>>, QueryError> {
        let request = PageArguments {
            first,
            after,
            last,
            before,
        }
        .for_sort(order_by.unwrap_or_default().sort())?;
        let source = Arc::new(filter.unwrap_or_default().source(*context.data_unchecked::<Viewer>())?);
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let page = fetch_page::<ConversationRow>(&mut snapshot, &*source, &request).await?;
        Ok(Some(Connection::new(
            page.map_all(Conversation::page),
            Total::Counted(source),
        )))
    }
}

/// One conversation, for the root and for `node`.
pub(super) async fn load(context: &Context<'_>, id: Uuid) -> Result<Option<Conversation>, QueryError> {
    let viewer = *context.data_unchecked::<Viewer>();
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let rows = rows::by_ids(&mut snapshot, viewer, &[id]).await?;
    Ok(Conversation::page(rows.into_values().collect()).pop())
}

/// Which conversations; all conditions must hold.
#[derive(InputObject, Default)]
pub(crate) struct ConversationFilter {
    /// This status.
    status: Option<ConversationStatus>,
    /// Owned by this user.
    owner_id: Option<ID>,
    /// Started at this time or later.
    created_after: Option<DateTime<Utc>>,
    /// Started before this time.
    created_before: Option<DateTime<Utc>>,
    /// The title holds this text, in whatever case.
    text: Option<String>,
}

impl ConversationFilter {
    fn source(self, viewer: Viewer) -> Result<ConversationSource, QueryError> {
        Ok(ConversationSource {
            viewer,
            status: self.status.map(ConversationStatus::stored),
            owner_id: optional_uuid_of("filter.ownerId", self.owner_id.as_ref())?,
            created_after: self.created_after,
            created_before: self.created_before,
            text: self.text.map(|text| sought_text("filter.text", &text)).transpose()?,
        })
    }
}

/// The order of conversations; equal ones by id.
#[derive(InputObject)]
pub(crate) struct ConversationOrder {
    /// By what.
    field: ConversationOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Desc")]
    direction: OrderDirection,
}

/// What conversations can be ordered by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConversationOrderField {
    /// When it started.
    CreatedAt,
    /// When it changed last; a message is a change.
    UpdatedAt,
    /// Its title.
    Title,
    /// How many messages it has.
    MessageCount,
}

impl Default for ConversationOrder {
    fn default() -> Self {
        Self {
            field: ConversationOrderField::UpdatedAt,
            direction: OrderDirection::Desc,
        }
    }
}

impl ConversationOrder {
    fn sort(&self) -> Sort {
        let key = match self.field {
            ConversationOrderField::CreatedAt => Key {
                column: "c.created_at",
                kind: KeyKind::Time,
            },
            ConversationOrderField::UpdatedAt => Key {
                column: "c.updated_at",
                kind: KeyKind::Time,
            },
            ConversationOrderField::Title => Key {
                column: "c.title",
                kind: KeyKind::Text,
            },
            ConversationOrderField::MessageCount => Key {
                column: "c.message_count",
                kind: KeyKind::Int,
            },
        };
        let id = Key {
            column: "c.id",
            kind: KeyKind::Uuid,
        };
        Sort {
            list: "conversation",
            keys: vec![key, id],
            direction: SortDirection::from(self.direction),
        }
    }
}

/// What the conversations of one page load together.
#[derive(Default)]
struct ConversationPage {
    ids: Vec<Uuid>,
    last_messages: Siblings<Message>,
    threads: SiblingsByArguments<PageArguments, Page<MessageRow>>,
}

/// A thread of messages between a person and the agent.
#[derive(Clone)]
pub(crate) struct Conversation {
    row: Arc<ConversationRow>,
    page: Arc<ConversationPage>,
}

impl Conversation {
    /// Conversations that are answered together.
    pub(super) fn page(rows: Vec<ConversationRow>) -> Vec<Self> {
        let ids = rows.iter().map(|row| row.id).collect();
        let page = Arc::new(ConversationPage {
            ids,
            ..ConversationPage::default()
        });
        rows.into_iter()
            .map(|row| Self {
                row: Arc::new(row),
                page: Arc::clone(&page),
            })
            .collect()
    }

    /// The revision of its stream.
    pub(super) fn stream_revision(&self) -> i64 {
        self.row.revision
    }

    /// The id, for those who keep conversations by id.
    pub(super) fn uuid(&self) -> Uuid {
        self.row.id
    }
}

/// A thread of messages between a person and the agent.
#[Object]
impl Conversation {
    /// A UUID.
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    /// At most 200 characters.
    async fn title(&self) -> &str {
        &self.row.title
    }

    /// Where it stands.
    async fn status(&self) -> Result<ConversationStatus, QueryError> {
        ConversationStatus::from_stored(&self.row.status)
    }

    /// Who owns it.
    async fn owner_id(&self) -> ID {
        self.row.owner_id.into()
    }

    /// True while the rows lack something that the log holds, because an event could not be projected.
    async fn degraded(&self, context: &Context<'_>) -> Result<bool, QueryError> {
        let stream = StreamId::of("conversation", self.row.id);
        Ok(SnapshotSlot::of(context).open().await?.is_degraded(&stream))
    }

    /// How many messages it has.
    async fn message_count(&self) -> i64 {
        self.row.message_count
    }

    /// When the last message was sent.
    async fn last_message_at(&self) -> Option<DateTime<Utc>> {
        self.row.last_message_at
    }

    /// The beginning of the last message, at most 120 characters.
    async fn last_message_preview(&self) -> Option<&str> {
        self.row.last_message_preview.as_deref()
    }

    /// The last message.
    #[graphql(complexity = "1 + child_complexity")]
    async fn last_message(&self, context: &Context<'_>) -> Result<Option<Message>, QueryError> {
        let load = || async {
            let viewer = *context.data_unchecked::<Viewer>();
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            let rows = last_of_threads(&mut snapshot, viewer, &self.page.ids).await?;
            let messages = Message::page(rows.into_values().collect());
            Ok(messages
                .into_iter()
                .map(|message| (message.conversation_uuid(), message))
                .collect())
        };
        self.page.last_messages.get(self.row.id, load).await
    }

    /// The messages, oldest first.
    #[graphql(complexity = "1 + PageArguments::cost(first, last) * child_complexity")]
    async fn messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<Option<Connection<Message>>, QueryError> {
        let arguments = PageArguments {
            first,
            after,
            last,
            before,
        };
        let request = arguments.for_sort(thread_order(SortDirection::Ascending))?;
        let load = || async {
            let viewer = *context.data_unchecked::<Viewer>();
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            pages_of_threads(&mut snapshot, viewer, &self.page.ids, &request).await
        };
        let page = self.page.threads.get(self.row.id, arguments, load).await?;
        let page = page.unwrap_or_else(Page::empty);
        Ok(Some(Connection::new(
            page.map_all(|rows| Message::page_of(self, rows)),
            Total::Known(self.row.message_count),
        )))
    }

    /// When it started.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it changed last; a message is a change.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// The revision of its stream, for `If-Match`.
    async fn revision(&self) -> i64 {
        self.row.revision
    }
}
