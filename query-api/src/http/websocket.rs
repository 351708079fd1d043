//! GraphQL over WebSocket, by the protocol `graphql-transport-ws` of the package `graphql-ws`.
//!
//! Browsers cannot set headers on a socket, so the token may come in the first message: `connection_init` with the payload
//! `{"authorization": "Bearer .."}`. When it ends, the socket is closed.

mod close;
mod connection;
mod message;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, UPGRADE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use platform::problem::Problem;

use super::{Refused, authentication};
use crate::QueryApi;
use crate::caller::Trace;
use connection::Connection;

/// The name of the protocol.
const PROTOCOL: &str = "graphql-transport-ws";

/// Does the request ask for a socket?
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let upgrade = headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    upgrade.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"))
}

/// Opens a socket. Who asks may be told in the headers, or in the first message.
pub(super) async fn open(
    api: &QueryApi,
    trace: Trace,
    request: Request,
    generation: Option<String>,
) -> Result<Response, Refused> {
    let (mut parts, _) = request.into_parts();
    // Credentials that are there must be good; without any, the first message has them.
    let authenticated = if parts.headers.contains_key(AUTHORIZATION) {
        Some(authentication::of_headers(api.signing_key(), &parts.headers)?)
    } else {
        None
    };
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|rejection| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "request.not-a-websocket",
                "The socket cannot be opened",
            )
            .detail(rejection.to_string())
        })?;
    let limit = api.options().max_body_bytes;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(limit)
        .max_frame_size(limit);
    let connection = Connection::new(api.clone(), trace, generation, authenticated);
    Ok(upgrade.on_upgrade(|socket| connection.run(socket)).into_response())
}
