//! One line of a bulk request: the envelope of a command.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use domain::CommandId;
use event_store::StreamState;
use platform::problem::Problem;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::CommandName;
use crate::dto::InvalidBody;
use crate::order::Order;
use crate::problem;

/// One command.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct BulkCommand<'a> {
    /// Its name, such as `task.create` or `conversation.send-message`.
    #[serde(borrow)]
    #[schema(value_type = String)]
    command: Cow<'a, str>,
    /// The conversation or task. Left out for one that is to be created; only a service may name that.
    id: Option<Uuid>,
    /// 1 to 200 visible ASCII characters; made and returned when left out.
    #[serde(borrow)]
    #[schema(value_type = Option<String>)]
    command_id: Option<Cow<'a, str>>,
    /// The revision that the stream must have.
    expected_revision: Option<u64>,
    /// Services only: when it happened.
    at: Option<DateTime<Utc>>,
    /// Services only: where imported history came from (`git:owner/name`); marks the command as an import.
    provenance: Option<String>,
    /// As on the command's own route.
    #[serde(default)]
    #[schema(value_type = Object)]
    body: Value,
}

/// A command that was read, and its id when that was made here.
pub(super) struct ReadLine {
    pub(super) order: Order,
    pub(super) made_command_id: Option<CommandId>,
}

/// Reads a line.
pub(super) fn read_line(text: &[u8]) -> Result<ReadLine, Problem> {
    let envelope: BulkCommand<'_> = serde_json::from_slice(text).map_err(|error| fault(text, &error))?;
    let name = CommandName::parse(&envelope.command).ok_or_else(problem::unknown_command)?;
    let (command_id, made_command_id) = if let Some(given) = envelope.command_id {
        (CommandId::parse(&given).map_err(problem::invalid_key)?, None)
    } else {
        let made = CommandId::from_uuid(Uuid::now_v7());
        (made.clone(), Some(made))
    };
    let order = Order {
        name,
        id: envelope.id,
        command_id,
        body: envelope.body,
        expected: envelope
            .expected_revision
            .map_or(StreamState::Any, StreamState::StreamRevision),
        at: envelope.at,
        provenance: envelope.provenance,
        bytes: text.len(),
    };
    Ok(ReadLine { order, made_command_id })
}

/// Reads a bad line once more to find the place of the fault.
fn fault(text: &[u8], error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return problem::malformed_json(error);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let found = serde_path_to_error::deserialize::<_, BulkCommand<'_>>(&mut deserializer);
    let fault = match found {
        Err(found) => InvalidBody::at(&found.path().to_string(), found.inner().to_string()),
        Ok(_) => InvalidBody::at(".", error.to_string()),
    };
    problem::invalid_body(fault)
}
