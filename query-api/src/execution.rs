//! Runs one operation: limits, validation, snapshot, fields, and what the answer says about itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute};
use async_graphql::{ErrorExtensionValues, Name, PathSegment, Response, ServerError, Value, Variables};
use projections::read::ServingReader;

use crate::QueryApi;
use crate::error::{ErrorCode, QueryError};
use crate::limits::{self, Refusal};
use crate::metrics;
use crate::snapshot::{AnswerPosition, Freshness, SnapshotSlot};
use crate::viewer::Viewer;

/// One operation, as the HTTP layer understood it.
#[derive(Debug, Clone, Default)]
pub struct Operation {
    /// The document.
    pub query: String,
    /// Which operation of it.
    pub operation_name: Option<String>,
    /// Values of its variables.
    pub variables: Variables,
    /// The position that the answer must cover.
    pub freshness: Option<Freshness>,
    /// The generation of time travel that is asked, by its name; none is the one that serves.
    pub generation: Option<String>,
}

/// The answer to one operation.
#[derive(Debug)]
pub struct Answer {
    /// Data, errors with codes, extensions.
    pub response: Response,
    /// Did fields run? If not, the answer has no `data`.
    pub executed: bool,
    /// The code of the error that kept the operation from running.
    pub refused: Option<ErrorCode>,
}

/// What the fields of one operation need to know about it; lives in the request's data.
pub(crate) struct OperationState {
    snapshot: Arc<SnapshotSlot>,
    freshness: Option<Freshness>,
    generation: Option<String>,
    reads_rows: bool,
    reads_journal: bool,
    executed: AtomicBool,
}

/// Runs one operation for one viewer. Errors never leave here without a code and the correlation id.
pub(crate) async fn execute(api: &QueryApi, viewer: Viewer, correlation_id: &str, operation: Operation) -> Answer {
    let began = Instant::now();
    let Operation {
        query,
        operation_name,
        variables,
        freshness,
        generation,
    } = operation;
    let options = api.options();
    let checked = match limits::check(&query, operation_name.as_deref(), &variables, options) {
        Ok(checked) => checked,
        Err(Refusal { error, at }) => {
            let response = Response::from_errors(vec![server_error(error, at)]);
            return finish(response, None, false, correlation_id, began);
        }
    };
    let wait = freshness.as_ref().map_or(Duration::ZERO, |freshness| freshness.within);
    let waits = freshness.is_some();
    let snapshot = Arc::new(SnapshotSlot::empty());
    let state = Arc::new(OperationState {
        snapshot: Arc::clone(&snapshot),
        freshness,
        generation,
        reads_rows: checked.reads_rows,
        reads_journal: checked.reads_journal,
        executed: AtomicBool::new(false),
    });
    let mut request = async_graphql::Request::new("")
        .variables(variables)
        .data(viewer)
        .data(Arc::clone(&snapshot))
        .data(Arc::clone(&state));
    request.operation_name = operation_name;
    request.set_parsed_query(checked.document);

    let limit = Duration::from_millis(options.operation_timeout_ms) + wait;
    let response = tokio::time::timeout(limit, api.schema().execute(request))
        .await
        .unwrap_or_else(|_| {
            state.executed.store(false, Ordering::Relaxed);
            Response::from_errors(vec![server_error(QueryError::Timeout, None)])
        });
    let position = snapshot.finish().await;
    // One that waited for a position was slow because it wanted to be, and one of a travel asks tables of its own.
    if let Some(position) = &position
        && !waits
        && position.travel.is_none()
    {
        api.load().answered(began.elapsed());
    }
    finish(
        response,
        position,
        state.executed.load(Ordering::Relaxed),
        correlation_id,
        began,
    )
}

fn finish(
    mut response: Response,
    position: Option<AnswerPosition>,
    executed: bool,
    correlation_id: &str,
    began: Instant,
) -> Answer {
    let mut refused = None;
    for error in &mut response.errors {
        put_null(&mut response.data, &error.path);
        let code = code_of(error, executed);
        log(error, code, correlation_id);
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        extensions.set("code", code.as_str());
        extensions.set("correlationId", correlation_id);
        refused = refused.or(Some(code));
    }
    if let Some(position) = position {
        response
            .extensions
            .insert("position".to_owned(), Value::from(position.token.encode()));
        response
            .extensions
            .insert("generation".to_owned(), Value::from(position.generation));
        if position.parked_streams > 0 {
            response
                .extensions
                .insert("parkedStreams".to_owned(), Value::from(position.parked_streams));
        }
        if position.stale {
            response.extensions.insert("stale".to_owned(), Value::from(true));
        }
        if let Some(travel) = position.travel {
            let purpose = if travel.is_branch { "branch" } else { "as-of" };
            let mut tell =
                |member: &str, value: String| response.extensions.insert(member.to_owned(), Value::from(value));
            tell("purpose", purpose.to_owned());
            tell("name", travel.name);
            tell(
                "expiresAt",
                travel.expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            );
        }
    }
    let outcome = match (executed, refused) {
        (true, None) => "ok",
        (true, Some(_)) => "partial",
        (false, _) => "refused",
    };
    metrics::operation(outcome, began.elapsed());
    Answer {
        response,
        executed,
        refused: refused.filter(|_| !executed),
    }
}

/// The engine leaves a failed field out; the specification wants it to be null.
fn put_null(data: &mut Value, path: &[PathSegment]) {
    let Some((segment, rest)) = path.split_first() else {
        return;
    };
    match (segment, data) {
        (PathSegment::Field(name), Value::Object(fields)) => {
            put_null(fields.entry(Name::new(name)).or_insert(Value::Null), rest);
        }
        (PathSegment::Index(index), Value::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                put_null(item, rest);
            }
        }
        _ => {}
    }
}

/// The code of an error: ours says it itself; what the engine refuses is about the document, or about an argument when fields ran.
fn code_of(error: &ServerError, executed: bool) -> ErrorCode {
    if let Some(ours) = error.source::<QueryError>() {
        return ours.code();
    }
    match error.message.as_str() {
        // The only words that version 7.2.1 has for its complexity limit.
        "Query is too complex." => ErrorCode::LimitComplexity,
        _ if executed => ErrorCode::InvalidArgument,
        _ => ErrorCode::ValidationFailed,
    }
}

/// Failures of ours are logged, once, here; mistakes of clients are not.
fn log(error: &ServerError, code: ErrorCode, correlation_id: &str) {
    let source = error.source::<QueryError>();
    match code {
        ErrorCode::Internal => {
            tracing::error!(correlation_id, path = ?error.path, cause = %chain(source), "query failed");
        }
        ErrorCode::Unavailable | ErrorCode::NotReady => {
            tracing::warn!(correlation_id, cause = %chain(source), "read models are not available");
        }
        ErrorCode::Timeout => tracing::warn!(correlation_id, path = ?error.path, "query took too long"),
        _ => {}
    }
}

/// An error with all its sources in one line.
fn chain(error: Option<&QueryError>) -> String {
    let mut next = error.map(|error| error as &(dyn std::error::Error + 'static));
    let mut text = String::new();
    while let Some(error) = next {
        text.push_str(if text.is_empty() { "" } else { ": " });
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

fn server_error(error: QueryError, at: Option<async_graphql::Pos>) -> ServerError {
    let mut server_error = ServerError::new(error.to_string(), at);
    server_error.source = Some(Arc::new(error));
    server_error
}

/// Begins the snapshot after validation and before the first field, so that a refused query costs the database nothing
/// and an operation without a snapshot runs no field at all.
pub(crate) struct SnapshotGate {
    pub(crate) reader: ServingReader,
    pub(crate) statement_timeout: Duration,
}

impl ExtensionFactory for SnapshotGate {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self {
            reader: self.reader.clone(),
            statement_timeout: self.statement_timeout,
        })
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for SnapshotGate {
    async fn execute(
        &self,
        context: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let state = context.data_unchecked::<Arc<OperationState>>();
        if state.reads_rows || state.freshness.is_some() || state.generation.is_some() {
            let (snapshot, freshness) = (&state.snapshot, state.freshness.as_ref());
            let begun = match &state.generation {
                Some(name) => {
                    let reads_journal = state.reads_journal;
                    snapshot
                        .begin_travel(&self.reader, name, freshness, reads_journal, self.statement_timeout)
                        .await
                }
                None => {
                    snapshot
                        .begin(&self.reader, freshness, state.reads_journal, self.statement_timeout)
                        .await
                }
            };
            if let Err(error) = begun {
                return Response::from_errors(vec![server_error(error, None)]);
            }
        }
        state.executed.store(true, Ordering::Relaxed);
        next.run(context, operation_name).await
    }
}
