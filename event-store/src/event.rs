//! Events on their way into the log, and as the log returns them.

use chrono::{DateTime, Utc};
use domain::{CommandId, EventId, Role, StreamId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::position::Position;

/// An event to be appended. Its revision is given by its place in the commit.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Derived from the command, so that a repetition carries the same id.
    pub id: EventId,
    /// `category.what-happened.vN`.
    pub event_type: String,
    /// When it happened, by the author's clock or the imported row; may go backwards.
    pub time: DateTime<Utc>,
    /// One JSON value.
    pub data: Box<RawValue>,
}

/// Who caused an event and why; the same for all events of one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventMetadata {
    /// The command id as its principal chose it.
    pub command_id: CommandId,
    /// Hash of the command's body: the first 128 bits of SHA-256 of its canonical JSON, in lower-case hex.
    #[serde(with = "hex128")]
    pub command_hash: u128,
    /// The principal.
    pub actor: UserId,
    /// The role it acted in.
    pub role: Role,
    /// The conversation of requests that this belongs to.
    pub correlation_id: String,
    /// The event or command that led to this command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Uuid>,
    /// W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Where imported history came from (`git:svix/svix-webhooks`); absent for what happened here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<String>,
}

impl EventMetadata {
    /// The command id together with its principal: what deduplication compares.
    pub fn scoped_command(&self) -> Uuid {
        self.command_id.scoped(self.actor)
    }
}

/// An accepted event, as every reader sees it.
#[derive(Debug, Clone)]
pub struct RecordedEvent {
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream: 0, 1, 2, ... without a gap.
    pub revision: u64,
    /// Unique.
    pub id: EventId,
    /// `category.what-happened.vN`.
    pub event_type: String,
    /// When it happened; may go backwards along a stream of imported history.
    pub time: DateTime<Utc>,
    /// When the log took it; what time travel means by time.
    pub recorded_at: DateTime<Utc>,
    /// One JSON value.
    pub data: Box<RawValue>,
    /// Who and why.
    pub metadata: EventMetadata,
    /// Its place in the log.
    pub at: LogPosition,
    /// Its place in the total order of the journal; absent when it was read from the log ahead of the journal.
    pub position: Option<Position>,
}

/// A place in the log. Order means something within one partition only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LogPosition {
    /// Which partition.
    pub partition: u32,
    /// Which record of it.
    pub offset: u64,
    /// Which event of the record.
    pub index: u32,
}

/// Refuses events that a PostgreSQL journal could not take: `jsonb` has no U+0000 and no lone surrogates.
///
/// A record that is in the log but cannot be journaled would stop its partition, so it is refused before it is sent.
pub(crate) fn check_storable(commit: &crate::Commit) -> Result<(), crate::StoreError> {
    let refused = || crate::StoreError::Invalid("an event holds text that PostgreSQL cannot store, such as U+0000");
    for (_, _, event) in commit.events() {
        // Only escapes can produce them; most events have none.
        if event.data.get().contains("\\u") {
            let value: serde_json::Value = serde_json::from_str(event.data.get()).map_err(|_| refused())?;
            if holds_nul(&value) {
                return Err(refused());
            }
        }
    }
    Ok(())
}

fn holds_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(holds_nul),
        serde_json::Value::Object(fields) => fields
            .iter()
            .any(|(name, field)| name.contains('\0') || holds_nul(field)),
        _ => false,
    }
}

/// 128 bits as 32 lower-case hex digits.
pub mod hex128 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes 32 hex digits.
    pub fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:032x}"))
    }

    /// Reads hex digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
