//! Many commands in one request.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::mpsc;

use crate::api::CommandApi;
use crate::bulk::{BulkAnswer, BulkCommand, BulkSession};
use crate::extract::Authenticated;
use crate::problem;

pub(crate) const PATH: &str = "/api/commands";

const NDJSON: &str = "application/x-ndjson";

/// Pieces of the answer that wait for a client which reads slowly; then no more of its commands are read either.
const PIECES_WAITING: usize = 4;

/// Takes one command a line and answers one line each, in order, while the request still comes in.
///
/// A line that is not readable, or a command that is refused, is answered with its problem and does not stop the
/// rest. Commands of one stream are applied in the order of their lines. A client must read answers while it sends.
#[utoipa::path(
    post,
    path = "/api/commands",
    operation_id = "send_commands",
    tag = "bulk",
    request_body(content = BulkCommand, content_type = "application/x-ndjson", description = "One command a line."),
    responses(
        (
            status = 200,
            description = "One answer a line, in order.",
            content_type = "application/x-ndjson",
            body = BulkAnswer,
        ),
        (status = 401, description = "No token, or one that is not valid."),
        (status = 415, description = "Not `application/x-ndjson`."),
    ),
)]
pub(crate) async fn commands(
    State(api): State<CommandApi>,
    Authenticated(caller): Authenticated,
    request: Request,
) -> Response {
    if !is_ndjson(&request) {
        return problem::unsupported_media_type(NDJSON).into_response();
    }
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    let session = BulkSession::new(api, caller, request.into_body().into_data_stream(), sender);
    tokio::spawn(session.run());
    let pieces = stream::unfold(receiver, |mut receiver| async move {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), receiver))
    });
    let mut response = Body::from_stream(pieces).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(NDJSON));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn is_ndjson(request: &Request) -> bool {
    let content_type = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    ["application/x-ndjson", "application/ndjson", "application/jsonl"]
        .iter()
        .any(|known| media_type.eq_ignore_ascii_case(known))
}
