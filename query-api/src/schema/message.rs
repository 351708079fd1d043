//! Messages.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::conversation::Conversation;
use super::filters::{OrderDirection, uuid_of};
use super::siblings::Siblings;
use super::stored_enums::MessageRole;
use crate::error::QueryError;
use crate::paging::{Connection, PageArguments, Total, fetch_page};
use crate::queries::conversation::by_ids as conversations_by_ids;
use crate::queries::message::{self as rows, MessageRow, ThreadSource, thread_order};
use crate::scalars::BigInt;
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// Queries for messages.
#[derive(Default)]
pub(crate) struct MessageQueries;

/// Queries for messages.
#[Object]
impl MessageQueries {
    /// The messages of a conversation, oldest first unless ordered otherwise. Empty when the viewer may not see the conversation.
    #[graphql(complexity = "1 + PageArguments::cost(first, last) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn messages(
        &self,
        context: &Context<'_>,
        conversation_id: ID,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<MessageOrder>,
    ) -> Result<Option<Connection<Message>>, QueryError> {
        let direction = order_by.map_or(OrderDirection::Asc, |order| order.direction);
        let request = PageArguments {
            first,
            after,
            last,
            before,
        }
        .for_sort(thread_order(direction.into()))?;
        let conversation_id = uuid_of("conversationId", &conversation_id)?;
        let source = Arc::new(ThreadSource {
            viewer: *context.data_unchecked::<Viewer>(),
            conversation_id,
        });
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let page = fetch_page::<MessageRow>(&mut snapshot, &*source, &request).await?;
        Ok(Some(Connection::new(
            page.map_all(Message::page),
            Total::Counted(source),
        )))
    }
}

/// One message, for `node`.
pub(super) async fn load(context: &Context<'_>, id: Uuid) -> Result<Option<Message>, QueryError> {
    let viewer = *context.data_unchecked::<Viewer>();
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let row = rows::by_id(&mut snapshot, viewer, id).await?;
    Ok(Message::page(row.into_iter().collect()).pop())
}

/// The order of messages: always by their place in the conversation.
#[derive(InputObject)]
pub(crate) struct MessageOrder {
    /// Which way.
    direction: OrderDirection,
}

/// What the messages of one page load together.
#[derive(Default)]
struct MessagePage {
    /// The conversation through which all of them were reached.
    known: Option<Conversation>,
    conversation_ids: Vec<Uuid>,
    conversations: Siblings<Conversation>,
}

/// One message of a conversation.
#[derive(Clone)]
pub(crate) struct Message {
    row: Arc<MessageRow>,
    page: Arc<MessagePage>,
}

impl Message {
    /// Messages that are answered together.
    pub(super) fn page(rows: Vec<MessageRow>) -> Vec<Self> {
        let mut conversation_ids: Vec<Uuid> = rows.iter().map(|row| row.conversation_id).collect();
        conversation_ids.sort_unstable();
        conversation_ids.dedup();
        let page = Arc::new(MessagePage {
            conversation_ids,
            ..MessagePage::default()
        });
        rows.into_iter()
            .map(|row| Self {
                row: Arc::new(row),
                page: Arc::clone(&page),
            })
            .collect()
    }

    /// Messages of a conversation that is at hand.
    pub(super) fn page_of(conversation: &Conversation, rows: Vec<MessageRow>) -> Vec<Self> {
        let page = Arc::new(MessagePage {
            known: Some(conversation.clone()),
            ..MessagePage::default()
        });
        rows.into_iter()
            .map(|row| Self {
                row: Arc::new(row),
                page: Arc::clone(&page),
            })
            .collect()
    }

    /// The conversation's id, for those who keep messages by conversation.
    pub(super) fn conversation_uuid(&self) -> Uuid {
        self.row.conversation_id
    }

    /// Its place: conversation and sequence.
    pub(super) fn place(&self) -> (Uuid, i64) {
        (self.row.conversation_id, self.row.sequence)
    }
}

/// One message of a conversation.
#[Object]
impl Message {
    /// A UUID.
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    /// The conversation.
    async fn conversation_id(&self) -> ID {
        self.row.conversation_id.into()
    }

    /// The conversation.
    #[graphql(complexity = "1 + child_complexity")]
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<Conversation>, QueryError> {
        if let Some(known) = &self.page.known {
            return Ok(Some(known.clone()));
        }
        let load = || async {
            let viewer = *context.data_unchecked::<Viewer>();
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            let rows = conversations_by_ids(&mut snapshot, viewer, &self.page.conversation_ids).await?;
            let conversations = Conversation::page(rows.into_values().collect());
            Ok(conversations
                .into_iter()
                .map(|conversation| (conversation.uuid(), conversation))
                .collect())
        };
        self.page.conversations.get(self.row.conversation_id, load).await
    }

    /// Its place in the conversation: the revision of its event.
    async fn sequence(&self) -> i64 {
        self.row.sequence
    }

    /// Who speaks.
    async fn role(&self) -> Result<MessageRole, QueryError> {
        MessageRole::from_stored(&self.row.role)
    }

    /// The person, for role user.
    async fn author_id(&self) -> Option<ID> {
        self.row.author_id.map(ID::from)
    }

    /// The text.
    async fn content(&self) -> &str {
        &self.row.content
    }

    /// Ids of uploaded files.
    async fn attachments(&self) -> &[String] {
        &self.row.attachments
    }

    /// The model that answered, for role assistant.
    async fn model(&self) -> Option<&str> {
        self.row.model.as_deref()
    }

    /// What the answer cost in tokens.
    async fn tokens_used(&self) -> Option<BigInt> {
        self.row.tokens_used.map(BigInt)
    }

    /// When it was sent.
    async fn sent_at(&self) -> DateTime<Utc> {
        self.row.sent_at
    }
}
