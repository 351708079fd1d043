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
mod node;
mod projection;
mod search;
mod siblings;
mod statistics;
mod stored_enums;
mod task;

use async_graphql::{EmptyMutation, EmptySubscription, MergedObject, Schema};

use crate::execution::SnapshotGate;
use crate::options::QueryApiOptions;

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

/// The schema; commands go to the command API, so there are no mutations.
pub(crate) type QuerySchema = Schema<QueryRoot, EmptyMutation, EmptySubscription>;

/// Builds the schema that answers.
pub(crate) fn build(options: &QueryApiOptions, gate: SnapshotGate) -> QuerySchema {
    let builder = Schema::build(QueryRoot::default(), EmptyMutation, EmptySubscription)
        .limit_complexity(options.max_complexity)
        .extension(gate);
    if options.introspection {
        builder
    } else {
        builder.disable_introspection()
    }
    .finish()
}

/// The schema as text, for people and for code generators.
pub fn sdl() -> String {
    Schema::build(QueryRoot::default(), EmptyMutation, EmptySubscription)
        .finish()
        .sdl()
}
