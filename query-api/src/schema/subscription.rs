//! What can be subscribed to.
//!
//! One object for two purposes: in the schema that clients see it is the root of subscriptions, and what they subscribe to is executed as a query of
//! it, again and again ([`crate::live`]).

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use async_graphql::registry::Registry;
use async_graphql::{Context, ID, Object, OutputType, Response, SimpleObject, SubscriptionType};
use domain::StreamId;
use futures::Stream;
use uuid::Uuid;

use super::activity::{Activity, ActivityFilter};
use super::conversation::{self, Conversation};
use super::filters::uuid_of;
use super::message::Message;
use super::statistics::{self, Statistics, StatisticsGroup};
use super::task::{self, Task};
use crate::error::QueryError;
use crate::live::{Cursor, CursorSlot, Told};
use crate::queries::message::said_after;
use crate::queries::places;
use crate::scalars::Date;
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// So many new items are told in one answer; more follow at once in further ones.
const ITEMS_AT_ONCE: i64 = 100;

/// The root of all subscriptions: over a WebSocket (`graphql-transport-ws`) or an event stream. Every answer tells its position in `extensions.position`.
#[derive(Default, Clone, Copy)]
pub(crate) struct SubscriptionRoot;

/// The root of all subscriptions: over a WebSocket (`graphql-transport-ws`) or an event stream. Every answer tells its position in
/// `extensions.position`.
#[Object(name = "Subscription")]
impl SubscriptionRoot {
    /// A conversation and what is said in it: at first as it is, then whenever something happens in it. Null while there is none that the viewer may see.
    #[graphql(complexity = "1 + 100 * child_complexity")]
    async fn conversation(
        &self,
        context: &Context<'_>,
        id: ID,
        #[graphql(
            desc = "A position token: what was said after it is told first, so that a client that comes back misses nothing."
        )]
        after: Option<String>,
    ) -> Result<Option<ConversationUpdate>, QueryError> {
        conversation_update(context, uuid_of("id", &id)?, after.as_deref()).await
    }

    /// A task: at first as it is, then whenever what is selected of it changes. Null while there is none that the viewer may see.
    async fn task(&self, context: &Context<'_>, id: ID) -> Result<Option<Task>, QueryError> {
        task::load(context, uuid_of("id", &id)?).await
    }

    /// What happens, in the order in which it got into the log; at first nothing, unless `after` is given.
    #[graphql(complexity = "1 + 100 * child_complexity")]
    async fn activity(
        &self,
        context: &Context<'_>,
        filter: Option<ActivityFilter>,
        #[graphql(
            desc = "A position token: what happened after it is told first, so that a client that comes back misses nothing."
        )]
        after: Option<String>,
    ) -> Result<Option<ActivityUpdate>, QueryError> {
        activity_update(context, filter.unwrap_or_default(), after.as_deref())
            .await
            .map(Some)
    }

    /// Sums as in the query of this name: at first as they are, then whenever they change.
    #[graphql(complexity = "50 + child_complexity")]
    async fn statistics(
        &self,
        context: &Context<'_>,
        group_by: Option<Vec<StatisticsGroup>>,
        from: Option<Date>,
        to: Option<Date>,
        owner_id: Option<ID>,
    ) -> Result<Option<Statistics>, QueryError> {
        statistics::load(context, group_by, (from, to), owner_id)
            .await
            .map(Some)
    }
}

/// A conversation after something happened in it.
#[derive(SimpleObject)]
pub(crate) struct ConversationUpdate {
    /// As it is now.
    conversation: Conversation,
    /// What was said since the answer before, oldest first; at first what was said since `after`. At most 100; more follow at once.
    messages: Vec<Message>,
}

/// What happened since the answer before.
#[derive(SimpleObject)]
pub(crate) struct ActivityUpdate {
    /// In the order in which it got into the log. At most 100; more follow at once.
    items: Vec<Activity>,
}

async fn conversation_update(
    context: &Context<'_>,
    id: Uuid,
    after: Option<&str>,
) -> Result<Option<ConversationUpdate>, QueryError> {
    let slot = context.data_unchecked::<Arc<CursorSlot>>();
    let viewer = *context.data_unchecked::<Viewer>();
    let found = conversation::load(context, id).await?;
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let before = match (slot.before(), after) {
        (Cursor::Revision(revision), _) => *revision,
        (_, Some(token)) => {
            let cut = places::cut_of(&snapshot, token)?;
            places::revision_of(&mut snapshot, StreamId::of("conversation", id).as_str(), &cut).await?
        }
        (_, None) => found.as_ref().map(Conversation::stream_revision),
    };
    let Some(conversation) = found else {
        slot.leave(Cursor::Revision(before), Told::Nothing);
        return Ok(None);
    };
    let now = conversation.stream_revision();
    let mut rows = said_after(&mut snapshot, viewer, id, before, ITEMS_AT_ONCE + 1).await?;
    if rows.len() > usize::try_from(ITEMS_AT_ONCE).unwrap_or(usize::MAX) {
        rows.pop();
        let last = rows.last().map(|row| row.sequence);
        slot.leave(Cursor::Revision(last), Told::MoreNews);
    } else {
        let told = if before.is_none_or(|before| before < now) {
            Told::News
        } else {
            Told::Nothing
        };
        slot.leave(Cursor::Revision(Some(now)), told);
    }
    let messages = Message::page_of(&conversation, rows);
    Ok(Some(ConversationUpdate { conversation, messages }))
}

async fn activity_update(
    context: &Context<'_>,
    filter: ActivityFilter,
    after: Option<&str>,
) -> Result<ActivityUpdate, QueryError> {
    let slot = context.data_unchecked::<Arc<CursorSlot>>();
    let source = filter.source(*context.data_unchecked::<Viewer>())?;
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let after = after.map(|token| places::cut_of(&snapshot, token)).transpose()?;
    let covered = snapshot.cut().clone();
    let below = places::position_of(&mut snapshot, &covered).await?;
    let mut beyond = after.clone().unwrap_or_default();
    let from = match (slot.before(), &after) {
        (Cursor::Position(position), _) => *position,
        (_, Some(cut)) => places::position_of(&mut snapshot, cut).await?,
        (_, None) => below,
    };
    // Since it was told last nothing has happened before this that concerns it.
    let mut from = from;
    if let Some(quiet) = slot.quiet_until() {
        from = from.max(places::position_of(&mut snapshot, quiet).await?.min(below));
        beyond.merge(quiet);
    }
    let mut placed = source
        .between(&mut snapshot, (from, below), &beyond, ITEMS_AT_ONCE + 1)
        .await?;
    if placed.len() > usize::try_from(ITEMS_AT_ONCE).unwrap_or(usize::MAX) {
        placed.pop();
        let next = placed.last().map_or(from, |last| last.position + 1);
        slot.leave(Cursor::Position(next), Told::MoreNews);
    } else {
        let told = if placed.is_empty() { Told::Nothing } else { Told::News };
        slot.leave(Cursor::Position(below), told);
    }
    let items = placed.into_iter().map(|placed| Activity(placed.row)).collect();
    Ok(ActivityUpdate { items })
}

impl SubscriptionType for SubscriptionRoot {
    fn type_name() -> Cow<'static, str> {
        <Self as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Self as OutputType>::create_type_info(registry)
    }

    /// Never asked: what is subscribed to is executed as a query.
    fn create_field_stream<'a>(
        &'a self,
        _: &'a Context<'_>,
    ) -> Option<Pin<Box<dyn Stream<Item = Response> + Send + 'a>>> {
        None
    }
}
