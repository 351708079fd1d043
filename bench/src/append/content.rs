//! What is appended: one event of 300 bytes, by one command.

use anyhow::{Context as _, Result};
use domain::{CommandId, EventId, Role, UserId};
use event_store::{CommandStamp, CommittedCommand, NewEvent};
use platform::clock;
use serde_json::value::RawValue;
use uuid::Uuid;

/// Bytes of an event's data.
pub(crate) const EVENT_BYTES: usize = 300;
const EVENT_TYPE: &str = "bench.noted.v1";

/// The data of all events.
pub(super) fn data() -> Result<Box<RawValue>> {
    const AROUND: usize = r#"{"text":""}"#.len();
    let json = format!(r#"{{"text":"{}"}}"#, "x".repeat(EVENT_BYTES - AROUND));
    RawValue::from_string(json).context("the data of an event is not JSON")
}

/// A command of a service with one event, as command handling would make it.
pub(super) fn command(data: &RawValue) -> CommittedCommand {
    CommittedCommand {
        stamp: stamp(UserId::new(Uuid::nil()), Role::Service),
        events: vec![NewEvent {
            id: EventId::new(Uuid::new_v4()),
            event_type: EVENT_TYPE.to_owned(),
            time: clock::now(),
            data: data.to_owned(),
        }],
    }
}

/// A command of its own.
pub(super) fn stamp(actor: UserId, role: Role) -> CommandStamp {
    let id = Uuid::new_v4();
    CommandStamp {
        command_id: CommandId::from_uuid(id),
        command_hash: id.as_u128(),
        actor,
        role,
        correlation_id: id.to_string(),
        causation_id: None,
        traceparent: None,
        provenance: None,
    }
}
