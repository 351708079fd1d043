//! The way of every mutation: its input becomes a command, the command is given, and its answer becomes the result.

use std::sync::Arc;

use async_graphql::Context;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::envelope::CommandInput;
use super::result::{CommandConflict, CommandRefused, CommandResult, CommandTaken};
use crate::caller::Caller;
use crate::commands::{CommandAnswer, Commands, GivenCommand, Outcome, Unavailable, Why};
use crate::error::QueryError;
use crate::execution::OperationState;
use crate::metrics;
use crate::snapshot::SnapshotSlot;

/// Gives the command of an input, and waits for its answer.
pub(super) async fn give<I: CommandInput>(
    context: &Context<'_>,
    input: I,
) -> Result<Option<CommandResult>, QueryError> {
    let envelope = input.envelope();
    let client_mutation_id = envelope
        .client_mutation_id
        .clone()
        .unwrap_or_else(|| Uuid::now_v7().to_string());
    let command = GivenCommand {
        command: I::COMMAND,
        id: input.target().map(|id| id.to_string()),
        command_id: client_mutation_id.clone(),
        expected_revision: envelope.expected_revision,
        at: envelope.at,
        provenance: envelope.provenance.clone(),
        body: body(&input)?,
    };
    // What the mutation before this one read would be too old afterwards, and its connection is not needed meanwhile.
    SnapshotSlot::of(context).finish().await;
    let answer = answer(context, &command).await;
    metrics::command(&answer);
    let result = match answer {
        CommandAnswer::Taken(taken) => {
            OperationState::of(context).cover(taken.position.clone());
            CommandResult::Taken(CommandTaken::new(client_mutation_id, I::SUBJECT, taken))
        }
        CommandAnswer::Refused(refused) => CommandResult::Refused(CommandRefused::new(client_mutation_id, refused)),
        CommandAnswer::Conflict(conflict) => {
            CommandResult::Conflict(CommandConflict::new(client_mutation_id, &conflict))
        }
        CommandAnswer::Unavailable(unavailable) => {
            return Err(QueryError::Command {
                client_mutation_id,
                source: Box::new(unavailable),
            });
        }
    };
    Ok(Some(result))
}

/// Waits no longer than the operation has left for commands, so that those before this one keep their answers.
async fn answer(context: &Context<'_>, command: &GivenCommand) -> CommandAnswer {
    let late = |outcome| {
        let cause = "the operation has taken too long";
        CommandAnswer::Unavailable(Unavailable::new(Why::Unavailable, outcome, cause))
    };
    let end = OperationState::of(context).commands_end_at();
    if Instant::now() >= end {
        return late(Outcome::NotApplied);
    }
    let commands = context.data_unchecked::<Arc<dyn Commands>>();
    let caller = context.data_unchecked::<Arc<Caller>>();
    timeout_at(end, commands.give(caller, command))
        .await
        .unwrap_or_else(|_| late(Outcome::Unknown))
}

/// The content of a command, without what was left out. Nothing at all is no content, as it is for a request without a body.
fn body<I: CommandInput>(input: &I) -> Result<Option<Value>, QueryError> {
    let content = serde_json::to_value(input).map_err(|error| QueryError::Internal(Box::new(error)))?;
    Ok(match without_nulls(content) {
        Value::Object(members) if members.is_empty() => None,
        content => Some(content),
    })
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let given = members.into_iter().filter(|(_, member)| !member.is_null());
            Value::Object(given.map(|(name, member)| (name, without_nulls(member))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        leaf => leaf,
    }
}
