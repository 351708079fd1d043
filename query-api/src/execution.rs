//! Runs one operation: limits, validation, snapshot, fields, and what the answer says about itself.

mod gate;
mod outcome;
mod prepared;
mod state;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_graphql::{Response, Variables};
use event_store::Cut;
use tokio::time::Instant;

use crate::QueryApi;
use crate::answer::Answer;
use crate::caller::Caller;
use crate::documents::DocumentSource;
use crate::error::QueryError;
use crate::live::{CursorSlot, Interests};
use crate::snapshot::{Freshness, Patience, SnapshotSlot};
use outcome::{Ran, finish, server_error};

pub(crate) use gate::SnapshotGate;
pub(crate) use outcome::refused;
pub(crate) use prepared::{Prepared, prepare};
pub(crate) use state::OperationState;

/// Which way an operation came, and how it may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// By GET: once, and it may change nothing.
    Get,
    /// By POST: once.
    Post,
    /// Over a WebSocket or an event stream: again and again, if it is such an operation.
    Stream,
}

/// One operation, as the layer of its transport understood it.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The document.
    pub document: DocumentSource,
    /// Which way it came.
    pub transport: Transport,
    /// Which operation of it.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Variables,
    /// The position that the answer must cover.
    pub freshness: Option<Freshness>,
    /// How long a mutation that reads waits for its commands to be shown.
    pub patience: Patience,
    /// The generation of time travel that is asked, by its name; none is the one that serves.
    pub generation: Option<String>,
}

/// What an operation has read, and where.
pub(crate) struct Read {
    pub(crate) interests: Interests,
    pub(crate) cut: Cut,
}

/// Runs an operation once for one caller. Errors never leave here without a code and the correlation id.
pub(crate) async fn execute(api: &QueryApi, caller: &Arc<Caller>, operation: &Operation) -> Answer {
    let began = Instant::now();
    match prepare(api, operation) {
        Ok(prepared) => run(api, caller, &prepared, operation, None).await.0,
        Err(refusal) => refused(refusal, &caller.correlation_id, began),
    }
}

/// Runs what was prepared; `cursor` is that of one that stands.
pub(crate) async fn run(
    api: &QueryApi,
    caller: &Arc<Caller>,
    prepared: &Prepared,
    operation: &Operation,
    cursor: Option<Arc<CursorSlot>>,
) -> (Answer, Option<Read>) {
    let began = Instant::now();
    let options = api.options();
    let waits = prepared.is_mutation || operation.freshness.is_some();
    let commands_end_at = began + Duration::from_millis(options.operation_timeout_ms);
    let patience = if waits {
        operation.patience.within
    } else {
        Duration::ZERO
    };
    let ends_at = commands_end_at + patience;
    let snapshot = Arc::new(SnapshotSlot::empty());
    let state = Arc::new(OperationState {
        snapshot: Arc::clone(&snapshot),
        freshness: operation.freshness.clone(),
        patience: operation.patience,
        generation: operation.generation.clone(),
        is_mutation: prepared.is_mutation,
        reads_rows: prepared.reads_rows(),
        reads_journal: prepared.reads_journal(),
        executed: AtomicBool::new(false),
        cost: AtomicUsize::new(0),
        commands_end_at,
        ends_at,
        covered: Mutex::new(None),
    });
    let stands = cursor.is_some();
    let mut request = async_graphql::Request::new("")
        .variables(operation.variables.clone())
        .data(caller.viewer)
        .data(Arc::clone(caller))
        .data(Arc::clone(api.commands()))
        .data(Arc::clone(&snapshot))
        .data(cursor.unwrap_or_default())
        .data(Arc::clone(&state));
    if !prepared.is_subscription() {
        request.operation_name.clone_from(&operation.operation_name);
    }
    request.set_parsed_query(prepared.document());

    let executed = async {
        if prepared.is_subscription() {
            api.subscriptions().execute(request).await
        } else {
            api.schema().execute(request).await
        }
    };
    let response = tokio::time::timeout_at(ends_at, executed).await.unwrap_or_else(|_| {
        state.executed.store(false, Ordering::Relaxed);
        Response::from_errors(vec![server_error(QueryError::Timeout, None)])
    });
    let finished = snapshot.finish().await;
    let (position, interests) = finished.unzip();
    // One that waited for a position was slow because it wanted to be, and one of a travel asks tables of its own.
    if let Some(position) = &position
        && !waits
        && position.travel.is_none()
    {
        api.load().answered(began.elapsed());
    }
    let read = position
        .as_ref()
        .zip(interests)
        .filter(|_| stands)
        .map(|(position, interests)| Read {
            interests,
            cut: position.token.cut.clone(),
        });
    let ran = Ran {
        executed: state.executed.load(Ordering::Relaxed),
        is_mutation: prepared.is_mutation,
        trusted: prepared.trusted,
        // What reads no row costs nothing.
        cost: if prepared.reads_rows() {
            state.cost.load(Ordering::Relaxed)
        } else {
            0
        },
        position,
        covered: state.covered(),
    };
    (finish(response, ran, &caller.correlation_id, began), read)
}
