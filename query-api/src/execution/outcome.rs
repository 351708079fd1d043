//! What the answer says about itself: codes of errors, position, cost.

use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::{ErrorExtensionValues, Name, PathSegment, Response, ServerError, Value};
use event_store::PositionToken;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::commands::Outcome;
use crate::error::{ErrorCode, QueryError};
use crate::limits::Refusal;
use crate::metrics;
use crate::snapshot::AnswerPosition;

/// An answer without data.
pub(crate) fn refused(refusal: Refusal, correlation_id: &str, began: Instant) -> Answer {
    let response = Response::from_errors(vec![server_error(refusal.error, refusal.at)]);
    finish(response, Ran::default(), correlation_id, began)
}

/// What became of an operation besides its data.
#[derive(Default)]
pub(super) struct Ran {
    pub(super) executed: bool,
    pub(super) is_mutation: bool,
    pub(super) trusted: bool,
    pub(super) cost: usize,
    /// Of the snapshot, when there was one.
    pub(super) position: Option<AnswerPosition>,
    /// Of the commands that were taken.
    pub(super) covered: Option<PositionToken>,
}

/// Gives every error its code and the correlation id, and tells position, generation and cost.
pub(super) fn finish(mut response: Response, ran: Ran, correlation_id: &str, began: Instant) -> Answer {
    let (executed, trusted) = (ran.executed, ran.trusted);
    let mut refused = None;
    for error in &mut response.errors {
        if response.data == Value::Null && !error.path.is_empty() {
            // All that was selected failed. Every field of the roots may be null, so none takes the whole answer with it.
            response.data = Value::Object(IndexMap::default());
        }
        put_null(&mut response.data, &error.path);
        let code = code_of(error, executed);
        log(error, code, correlation_id);
        let said = error.source::<QueryError>().map(QueryError::extensions);
        let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
        for (name, value) in said.unwrap_or_default() {
            extensions.set(name, value);
        }
        if ran.is_mutation && code == ErrorCode::Timeout {
            // Given up as a whole, with the answers of commands in it.
            extensions.set("outcome", Outcome::Unknown.as_str());
        }
        extensions.set("code", code.as_str());
        extensions.set("correlationId", correlation_id);
        refused = refused.or(Some(code));
    }
    tell_position(&mut response, ran);
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
        trusted,
    }
}

/// Says how far the answer goes: as far as its rows, and as far as the commands that it took.
fn tell_position(response: &mut Response, ran: Ran) {
    let mut tell = |member: &str, value: Value| {
        response.extensions.insert(member.to_owned(), value);
    };
    if ran.cost > 0 {
        tell("cost", Value::from(ran.cost));
    }
    let read = ran.position.as_ref().map(|position| &position.token);
    let token = match (ran.covered, read) {
        (Some(covered), Some(read)) => Some(covered.merged(read)),
        (covered, read) => covered.or_else(|| read.cloned()),
    };
    if let Some(token) = token {
        tell("position", Value::from(token.encode()));
    }
    let Some(position) = ran.position else {
        return;
    };
    tell("generation", Value::from(position.generation));
    if position.parked_streams > 0 {
        tell("parkedStreams", Value::from(position.parked_streams));
    }
    if position.stale {
        tell("stale", Value::from(true));
    }
    if let Some(travel) = position.travel {
        let purpose = if travel.is_branch { "branch" } else { "as-of" };
        let expires_at = travel.expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        tell("purpose", Value::from(purpose));
        tell("name", Value::from(travel.name));
        tell("expiresAt", Value::from(expires_at));
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
    if executed {
        ErrorCode::InvalidArgument
    } else {
        ErrorCode::ValidationFailed
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
        ErrorCode::CommandsFailed => {
            tracing::error!(correlation_id, path = ?error.path, cause = %chain(source), "command failed");
        }
        ErrorCode::CommandsUnavailable => {
            tracing::warn!(correlation_id, path = ?error.path, cause = %chain(source), "command was not answered");
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

/// An error of ours as the engine has them.
pub(super) fn server_error(error: QueryError, at: Option<async_graphql::Pos>) -> ServerError {
    let mut server_error = ServerError::new(error.to_string(), at);
    server_error.source = Some(Arc::new(error));
    server_error
}
