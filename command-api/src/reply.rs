//! What a client is told about a command that was taken.

use axum::Json;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use event_store::PositionToken;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::CommandApi;
use crate::catalogue::CommandName;
use crate::handling::{Answer, Effect};
use crate::order::Part;

/// Brings the token of an earlier answer in, and takes the merged one out.
pub(crate) const POSITION_HEADER: HeaderName = HeaderName::from_static("position");

/// Says that an earlier attempt had done it.
pub(crate) const REPLAYED_HEADER: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The command was taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reply {
    /// The conversation or task.
    pub(crate) id: Uuid,
    /// Its revision after the command; what `If-Match` takes.
    pub(crate) revision: Option<u64>,
    /// Opaque; a read that is given it waits until it shows the command's effect.
    pub(crate) position: String,
    /// There was nothing to do, and that is recorded: no other attempt with this command id will do anything.
    #[serde(rename = "final", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_final: bool,
    /// The new message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<Uuid>,
    /// The new execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) execution_id: Option<Uuid>,
}

/// What is known of a command before its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    pub(crate) name: CommandName,
    pub(crate) id: Uuid,
    pub(crate) part: Option<Part>,
}

impl Subject {
    /// 201 when something came into being, by this attempt or by the one that it repeats.
    pub(crate) fn status(&self, answer: &Answer) -> StatusCode {
        if self.name.creates() && answer.effect != Effect::NothingToDo {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        }
    }

    pub(crate) fn reply(&self, api: &CommandApi, answer: &Answer, earlier: Option<&PositionToken>) -> Reply {
        let category = self.name.aggregate().category();
        Reply {
            id: self.id,
            revision: answer.revision,
            position: api.position(category, self.id, answer.at, earlier),
            is_final: answer.is_final,
            message_id: match self.part {
                Some(Part::Message(id)) => Some(id),
                _ => None,
            },
            execution_id: match self.part {
                Some(Part::Execution(id)) => Some(id),
                _ => None,
            },
        }
    }

    pub(crate) fn response(&self, api: &CommandApi, answer: &Answer, earlier: Option<&PositionToken>) -> Response {
        let status = self.status(answer);
        let reply = self.reply(api, answer, earlier);
        let mut headers = HeaderMap::new();
        put(&mut headers, POSITION_HEADER, &reply.position);
        if let Some(revision) = reply.revision {
            put(&mut headers, ETAG, &format!("\"{revision}\""));
        }
        put(&mut headers, LOCATION, &self.location());
        if answer.effect == Effect::AlreadyDone {
            headers.insert(REPLAYED_HEADER, HeaderValue::from_static("true"));
        }
        (status, headers, Json(reply)).into_response()
    }

    fn location(&self) -> String {
        let path = self.name.aggregate().path();
        let id = self.id;
        match self.part {
            None => format!("{path}/{id}"),
            Some(Part::Message(part)) => format!("{path}/{id}/messages/{part}"),
            Some(Part::Execution(part)) => format!("{path}/{id}/executions/{part}"),
        }
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Ids, numbers and base64 are always header values.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
