//! The messages of the protocol.

use axum::extract::ws::Message;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::close::Close;
use crate::answer::Answer;

/// Longest id of an operation, in bytes.
const ID_MAX_BYTES: usize = 256;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FromClient {
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Value>>,
    },
    Pong {},
    Subscribe {
        id: String,
        payload: Map<String, Value>,
    },
    Complete {
        id: String,
    },
}

/// Reads a message; what is none of the protocol closes the socket.
pub(super) fn read(text: &str) -> Result<FromClient, Close> {
    let message: FromClient = serde_json::from_str(text).map_err(|error| {
        // Where it breaks, and nothing of what it holds.
        Close::BadMessage(format!("Invalid message at column {}", error.column()))
    })?;
    match &message {
        FromClient::Subscribe { id, .. } | FromClient::Complete { id } if id.is_empty() || id.len() > ID_MAX_BYTES => {
            Err(Close::BadMessage(format!("An id has 1 to {ID_MAX_BYTES} bytes")))
        }
        _ => Ok(message),
    }
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

pub(super) fn connection_ack() -> Message {
    text(&json!({ "type": "connection_ack" }))
}

pub(super) fn ping() -> Message {
    text(&json!({ "type": "ping" }))
}

pub(super) fn pong(payload: Option<Map<String, Value>>) -> Message {
    match payload {
        Some(payload) => text(&json!({ "type": "pong", "payload": payload })),
        None => text(&json!({ "type": "pong" })),
    }
}

pub(super) fn complete(id: &str) -> Message {
    text(&json!({ "type": "complete", "id": id }))
}

#[derive(Serialize)]
struct Next<'a> {
    r#type: &'static str,
    id: &'a str,
    payload: &'a RawValue,
}

/// An answer: `next`, or `error` where nothing ran. Does it end the operation?
pub(super) fn answer(id: &str, answer: &Answer) -> (Message, bool) {
    if answer.refused.is_some() {
        let errors = serde_json::to_value(&answer.response.errors).unwrap_or_default();
        return (error(id, &errors), true);
    }
    let body = String::from_utf8(answer.to_json()).unwrap_or_default();
    let next = RawValue::from_string(body).and_then(|payload| {
        serde_json::to_string(&Next {
            r#type: "next",
            id,
            payload: &payload,
        })
    });
    // Both are JSON already.
    (Message::Text(next.unwrap_or_default().into()), false)
}

/// Errors of an operation, which ends with them.
pub(super) fn error(id: &str, errors: &Value) -> Message {
    text(&json!({ "type": "error", "id": id, "payload": errors }))
}
