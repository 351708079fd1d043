//! GraphQL over server-sent events, in the mode of distinct connections: one operation a request, whose answers are `next` events, and `complete` at
//! the end. What is wrong with the operation is told inside of the stream; who may not ask, or asks no GraphQL, gets a problem as elsewhere.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, VARY};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use futures::stream::unfold;
use tokio::time::{Instant, sleep};

use super::authentication::Authenticated;
use super::{Refused, operation};
use crate::QueryApi;
use crate::answer::Answer;
use crate::caller::Trace;
use crate::error::QueryError;
use crate::execution::{Operation, Transport, prepare, refused, run};
use crate::live::Standing;

/// A line that says nothing, so that proxies do not take the stream for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where a stream is.
enum Step {
    /// There is one answer.
    Single(Box<Answer>),
    /// There is one after the other.
    Standing(Box<Standing>),
    /// The last one was told.
    Complete,
    /// And that too.
    Ended,
}

pub(super) async fn open(
    api: &QueryApi,
    authenticated: Authenticated,
    trace: &Trace,
    request: Request,
    generation: Option<String>,
) -> Result<Response, Refused> {
    let (mut operation, _) = operation(api, request, generation).await?;
    let began = Instant::now();
    let by_get = operation.transport == Transport::Get;
    let prepared = if by_get {
        // A mutation by GET stays refused.
        prepare(api, &operation).or_else(|refusal| match refusal.error {
            QueryError::OperationKind(_) => prepare(api, as_stream(&mut operation)),
            _ => Err(refusal),
        })
    } else {
        prepare(api, as_stream(&mut operation))
    };
    let first = match prepared {
        Err(refusal) => Step::Single(Box::new(refused(refusal, &trace.correlation_id, began))),
        Ok(prepared) if prepared.stands => {
            let caller = authenticated.caller(trace);
            Step::Standing(Box::new(Standing::new(api.clone(), caller, operation, prepared)))
        }
        Ok(prepared) => {
            let caller = authenticated.caller(trace);
            let answer = run(api, &caller, &prepared, &operation, None).await.0;
            Step::Single(Box::new(answer))
        }
    };
    let events = events(api.clone(), authenticated, first);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("");
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Authorization, Origin"));
    Ok(response)
}

fn as_stream(operation: &mut Operation) -> &Operation {
    operation.transport = Transport::Stream;
    operation
}

fn events(
    api: QueryApi,
    authenticated: Authenticated,
    first: Step,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    unfold(first, move |step| {
        let (api, authenticated) = (api.clone(), authenticated.clone());
        async move {
            let (event, step) = match step {
                Step::Single(answer) => (next(&answer), Step::Complete),
                Step::Standing(mut standing) => {
                    let answered = tokio::select! {
                        answered = standing.next() => answered,
                        () = sleep(authenticated.left()) => None,
                        () = api.shutdown().requested() => None,
                    };
                    match answered {
                        Some(answer) => (next(&answer), Step::Standing(standing)),
                        None => (complete(), Step::Ended),
                    }
                }
                Step::Complete => (complete(), Step::Ended),
                Step::Ended => return None,
            };
            Some((Ok(event), step))
        }
    })
}

fn next(answer: &Answer) -> Event {
    // JSON has no line breaks of its own.
    let text = String::from_utf8(answer.to_json()).unwrap_or_default();
    Event::default().event("next").data(text)
}

fn complete() -> Event {
    Event::default().event("complete").data("")
}
