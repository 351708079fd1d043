//! Mutations: one for each command there is, given to the write side through [`Commands`](crate::commands::Commands).
//!
//! They run one after the other. A refusal and a conflict are data, so that clients handle them like other answers; an error says that there
//! is no answer. Nothing here decides anything: rules, roles and limits are those of the command API.

mod conversation;
mod envelope;
mod execution;
mod giving;
mod result;
mod task;

use async_graphql::MergedObject;

/// The root of all mutations: commands, given one after the other, each with an answer of its own. A refused one does not stop those after
/// it. One operation has at most 10, unless the service is configured otherwise.
#[derive(MergedObject, Default)]
#[graphql(name = "Mutation")]
pub(crate) struct MutationRoot(
    conversation::ConversationMutations,
    task::TaskMutations,
    execution::ExecutionMutations,
);
