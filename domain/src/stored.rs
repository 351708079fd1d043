//! How events look in the log: every version that was ever written, and the one path that reads them.

mod administration;
mod conversation;
mod quota;
mod task;

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::event::DomainEvent;
use crate::name::Named;

/// An event ready for the log.
#[derive(Debug, Clone)]
pub struct EncodedEvent {
    /// `category.what-happened.vN`; always the newest version.
    pub event_type: &'static str,
    /// One JSON object, camelCase.
    pub data: Box<RawValue>,
}

/// Why stored bytes are not a domain event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No version of this software up to now writes this type: a newer one does.
    #[error("event type {event_type} is not known to this version")]
    UnknownType {
        /// The type found.
        event_type: String,
    },
    /// The type is known but its data does not fit.
    #[error("event of type {event_type} does not fit its schema")]
    Malformed {
        /// The type found.
        event_type: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// The newest stored form of an event.
pub fn encode(event: &DomainEvent) -> EncodedEvent {
    match event {
        DomainEvent::Conversation(event) => conversation::encode(event),
        DomainEvent::Task(event) => task::encode(event),
        DomainEvent::Quota(event) => quota::encode(event),
        DomainEvent::Administration(event) => administration::encode(event),
    }
}

/// Reads any stored version. The one decode path: live, replay, export and dead letters all come here.
///
/// Fields that this version does not know are passed over: a version may gain optional fields.
pub fn decode(event_type: &str, data: &RawValue) -> Result<DomainEvent, DecodeError> {
    let text = data.get();
    let decoded = conversation::decode(event_type, text)
        .map(|decoded| decoded.map(DomainEvent::from))
        .or_else(|| task::decode(event_type, text).map(|decoded| decoded.map(DomainEvent::from)))
        .or_else(|| quota::decode(event_type, text).map(|decoded| decoded.map(DomainEvent::from)))
        .or_else(|| administration::decode(event_type, text).map(|decoded| decoded.map(DomainEvent::from)));
    match decoded {
        Some(Ok(event)) => Ok(event),
        Some(Err(source)) => Err(DecodeError::Malformed {
            event_type: event_type.to_owned(),
            source,
        }),
        None => Err(DecodeError::UnknownType {
            event_type: event_type.to_owned(),
        }),
    }
}

/// Every event type that [`decode`] understands, of every version.
pub const EVENT_TYPES: &[&str] = &concatenated();

const TYPE_COUNT: usize =
    conversation::TYPES.len() + task::TYPES.len() + quota::TYPES.len() + administration::TYPES.len();

const fn concatenated() -> [&'static str; TYPE_COUNT] {
    let parts: [&[&'static str]; 4] = [
        &conversation::TYPES,
        &task::TYPES,
        &quota::TYPES,
        &administration::TYPES,
    ];
    let mut all = [""; TYPE_COUNT];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[filled] = parts[part][index];
            filled += 1;
            index += 1;
        }
        part += 1;
    }
    all
}

/// An event whose type says everything.
#[derive(Serialize, Deserialize)]
struct Nothing {}

/// A named value, as its name.
struct Name<T>(T);

impl<T: Named> Serialize for Name<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de, T: Named> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        T::from_str(&name).map(Self).map_err(serde::de::Error::custom)
    }
}

fn encoded<T: Serialize>(event_type: &'static str, data: &T) -> EncodedEvent {
    match serde_json::value::to_raw_value(data) {
        Ok(data) => EncodedEvent { event_type, data },
        // Stored forms are structs of texts, numbers and lists, written to memory: there is nothing that could fail.
        // Anything but stopping would put a wrong event into the log for ever.
        Err(error) => unreachable!("a stored form of {event_type} cannot be written: {error}"),
    }
}

fn read<'a, T: Deserialize<'a>>(data: &'a str) -> serde_json::Result<T> {
    serde_json::from_str(data)
}
