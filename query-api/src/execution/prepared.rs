//! From what was asked to what can be run: everything about an operation that needs no row.

use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType};

use super::{Operation, Transport};
use crate::QueryApi;
use crate::error::QueryError;
use crate::limits::{CheckedDocument, Refusal};

/// An operation that passed the limits and may be run, once or again and again.
#[derive(Debug)]
pub(crate) struct Prepared {
    checked: Arc<CheckedDocument>,
    /// Of a subscription: it alone, as a query of what can be subscribed to.
    subscription: Option<ExecutableDocument>,
    /// Is it answered again when rows change?
    pub(crate) stands: bool,
    /// Were clients built with the document?
    pub(super) trusted: bool,
    pub(super) is_mutation: bool,
}

impl Prepared {
    /// Is it run on what can be subscribed to?
    pub(super) fn is_subscription(&self) -> bool {
        self.subscription.is_some()
    }

    pub(super) fn document(&self) -> ExecutableDocument {
        self.subscription.as_ref().unwrap_or(&self.checked.document).clone()
    }

    pub(super) fn reads_rows(&self) -> bool {
        self.checked.reads_rows
    }

    pub(super) fn reads_journal(&self) -> bool {
        // What is new since a position is found there.
        self.checked.reads_journal || self.is_subscription()
    }
}

/// Finds the document, holds it against the limits, and asks whether such an operation may come this way.
pub(crate) fn prepare(api: &QueryApi, operation: &Operation) -> Result<Prepared, Refusal> {
    let (text, trusted) = api.trusted().resolve(operation.document.clone())?;
    let checked = api.documents().check(&text, api.options())?;
    let name = operation.operation_name.as_deref();
    checked.check_variables(name, &operation.variables)?;
    let mut subscription = None;
    let mut stands = false;
    match (checked.kind(name), operation.transport) {
        (Some(OperationType::Mutation), Transport::Get) => return Err(QueryError::MutationByGet.into()),
        (Some(OperationType::Mutation), _) if operation.generation.is_some() => {
            return Err(QueryError::ReadOnlyGeneration.into());
        }
        (Some(OperationType::Mutation), _) => checked.check_mutations(name, api.options().max_mutations)?,
        (Some(OperationType::Subscription), Transport::Stream) => {
            if operation.generation.is_some() {
                let why = "a generation of time travel does not move, so nothing of it can be subscribed to";
                return Err(QueryError::OperationKind(why).into());
            }
            subscription = Some(checked.as_query_of_subscriptions(name)?);
            stands = true;
        }
        (Some(OperationType::Subscription), _) => {
            let why = "a subscription needs a WebSocket (graphql-transport-ws) or an event stream (Accept: text/event-stream)";
            return Err(QueryError::OperationKind(why).into());
        }
        (Some(OperationType::Query), Transport::Stream) => {
            stands = checked.is_live(name) && operation.generation.is_none();
        }
        _ => {}
    }
    Ok(Prepared {
        is_mutation: checked.kind(name) == Some(OperationType::Mutation),
        checked,
        subscription,
        stands,
        trusted,
    })
}
