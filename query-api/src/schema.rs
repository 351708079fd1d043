//! The GraphQL schema: one file for each kind of object, and the root.
//!
//! A field that reads rows is nullable: when it fails it is null, with an error, and the fields beside it stay.

#![allow(clippy::unused_async, reason = "every resolver of async-graphql is async")]

mod activity;
mod conversation;
mod execution;
mod filters;
mod history;
mod message;
mod mutation;
mod node;
mod projection;
mod search;
mod siblings;
mod statistics;
mod stored_enums;
mod subscription;
mod task;

use async_graphql::{CustomDirective, Directive, EmptyMutation, EmptySubscription, MergedObject, Schema};

use crate::execution::SnapshotGate;
use crate::options::QueryApiOptions;
use crate::snapshot::SnapshotSource;
use subscription::SubscriptionRoot;

pub(crate) use mutation::MutationRoot;

/// The root of all queries. A viewer with role user sees own rows; analyst, admin and service all.
#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(crate) struct QueryRoot(
    conversation::ConversationQueries,
    message::MessageQueries,
    search::SearchQueries,
    task::TaskQueries,
    activity::ActivityQueries,
    statistics::StatisticsQueries,
    history::HistoryQueries,
    projection::ProjectionQueries,
    node::NodeQueries,
);

/// The schema.
pub(crate) type QuerySchema = Schema<QueryRoot, MutationRoot, SubscriptionRoot>;

/// What can be subscribed to, to be queried.
pub(crate) type SubscriptionSchema = Schema<SubscriptionRoot, EmptyMutation, EmptySubscription>;

/// Builds the schema that answers.
pub(crate) fn build(options: &QueryApiOptions, source: SnapshotSource) -> QuerySchema {
    let builder = Schema::build(QueryRoot::default(), MutationRoot::default(), SubscriptionRoot)
        .directive(live)
        .data(source.clone())
        .extension(SnapshotGate::new(source, options));
    if options.introspection {
        builder
    } else {
        builder.disable_introspection()
    }
    .finish()
}

/// Builds what executes subscriptions.
pub(crate) fn build_subscriptions(options: &QueryApiOptions, source: SnapshotSource) -> SubscriptionSchema {
    let gate = SnapshotGate::new(source, options);
    let builder = Schema::build(SubscriptionRoot, EmptyMutation, EmptySubscription).extension(gate);
    if options.introspection {
        builder
    } else {
        builder.disable_introspection()
    }
    .finish()
}

/// Over a WebSocket or an event stream: the answer is sent again when rows that it came from have changed, and it with them. At the top of a query.
#[Directive(location = "Field")]
fn live() -> impl CustomDirective {
    Live
}

/// Nothing is done to the field itself.
struct Live;

impl CustomDirective for Live {}

/// The schema as text, for people and for code generators.
pub fn sdl() -> String {
    Schema::build(QueryRoot::default(), MutationRoot::default(), SubscriptionRoot)
        .directive(live)
        .finish()
        .sdl()
}
