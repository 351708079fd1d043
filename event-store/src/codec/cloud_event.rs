//! One event as a CloudEvents 1.0 JSON object.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use domain::{CommandId, EventId, Role, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{CommitHeader, time_text};
use crate::commit::Commit;
use crate::error::StoreError;
use crate::event::{EventMetadata, LogPosition, RecordedEvent, hex128};
use crate::log::LogRecord;

/// The `source` of every event that this platform writes.
pub const SOURCE: &str = "/coding-agent";

/// An event on the wire. Extension attributes are lower case without separators, as CloudEvents demands.
#[derive(Debug, Serialize, Deserialize)]
pub struct CloudEvent<'a> {
    /// Always `1.0`.
    #[serde(borrow)]
    pub specversion: Cow<'a, str>,
    /// Unique together with `source`.
    pub id: Uuid,
    /// [`SOURCE`].
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// `category.what-happened.vN`.
    #[serde(rename = "type", borrow)]
    pub event_type: Cow<'a, str>,
    /// The stream id.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// When it happened.
    #[serde(borrow)]
    pub time: Cow<'a, str>,
    /// Always `application/json`.
    #[serde(borrow)]
    pub datacontenttype: Cow<'a, str>,
    /// Revision in the stream.
    pub revision: u64,
    /// Command id as its principal chose it.
    pub commandid: CommandId,
    /// Hash of the command's body.
    #[serde(with = "hex128")]
    pub commandhash: u128,
    /// The principal.
    pub actor: UserId,
    /// The role it acted in.
    pub actorrole: Role,
    /// Correlation id.
    #[serde(borrow)]
    pub correlationid: Cow<'a, str>,
    /// Causation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<Uuid>,
    /// W3C trace context.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub traceparent: Option<Cow<'a, str>>,
    /// Where imported history came from.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub provenance: Option<Cow<'a, str>>,
    /// The payload.
    pub data: Cow<'a, RawValue>,
}

pub(super) fn encode_batch(commit: &Commit) -> Result<Vec<u8>, StoreError> {
    let mut value = Vec::with_capacity(commit.event_count() * 768);
    value.push(b'[');
    for (revision, stamp, event) in commit.events() {
        if value.len() > 1 {
            value.push(b',');
        }
        let cloud_event = CloudEvent {
            specversion: Cow::Borrowed("1.0"),
            id: event.id.as_uuid(),
            source: Cow::Borrowed(SOURCE),
            event_type: Cow::Borrowed(&event.event_type),
            subject: Cow::Borrowed(commit.stream.as_str()),
            time: Cow::Owned(time_text(event.time)),
            datacontenttype: Cow::Borrowed("application/json"),
            revision,
            commandid: stamp.command_id.clone(),
            commandhash: stamp.command_hash,
            actor: stamp.actor,
            actorrole: stamp.role,
            correlationid: Cow::Borrowed(&stamp.correlation_id),
            causationid: stamp.causation_id,
            traceparent: stamp.traceparent.as_deref().map(Cow::Borrowed),
            provenance: stamp.provenance.as_deref().map(Cow::Borrowed),
            data: Cow::Borrowed(&event.data),
        };
        serde_json::to_writer(&mut value, &cloud_event).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    }
    value.push(b']');
    Ok(value)
}

pub(super) fn decode_batch(record: &LogRecord, header: &CommitHeader) -> Result<Vec<RecordedEvent>, StoreError> {
    let batch: Vec<CloudEvent<'_>> = serde_json::from_slice(&record.value).map_err(|error| {
        let (partition, offset) = (record.partition, record.offset);
        StoreError::Corrupt(format!("commit at partition {partition} offset {offset}: {error}"))
    })?;
    let first = header.expected.map_or(0, |revision| revision + 1);
    batch
        .into_iter()
        .zip(0_u32..)
        .map(|(event, index)| {
            if event.revision != first + u64::from(index) {
                return Err(StoreError::Corrupt(format!(
                    "event {} has revision {}",
                    event.id, event.revision
                )));
            }
            let time = DateTime::parse_from_rfc3339(&event.time)
                .map_err(|error| StoreError::Corrupt(format!("time of event {}: {error}", event.id)))?;
            Ok(RecordedEvent {
                stream: header.stream.clone(),
                revision: event.revision,
                id: EventId::new(event.id),
                event_type: event.event_type.into_owned(),
                time: time.with_timezone(&Utc),
                recorded_at: record.recorded_at,
                data: event.data.into_owned(),
                metadata: EventMetadata {
                    command_id: event.commandid,
                    command_hash: event.commandhash,
                    actor: event.actor,
                    role: event.actorrole,
                    correlation_id: event.correlationid.into_owned(),
                    causation_id: event.causationid,
                    traceparent: event.traceparent.map(Cow::into_owned),
                    provenance: event.provenance.map(Cow::into_owned),
                },
                at: LogPosition {
                    partition: record.partition,
                    offset: record.offset,
                    index,
                },
                position: None,
            })
        })
        .collect()
}
