//! Stored forms of [`AdministrationEvent`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EncodedEvent, Name, encoded, read};
use crate::administration::{AdministrationEvent, DiscardedEvent, OperationKind, Request};

const OPERATION_REQUESTED_V1: &str = "administration.operation-requested.v1";
const REBUILD_BEGUN_V1: &str = "administration.rebuild-begun.v1";
const GENERATION_PROMOTED_V1: &str = "administration.generation-promoted.v1";
const GENERATION_ROLLED_BACK_V1: &str = "administration.generation-rolled-back.v1";
const GENERATION_DROPPED_V1: &str = "administration.generation-dropped.v1";
const STREAMS_RETRIED_V1: &str = "administration.streams-retried.v1";
const EVENTS_DISCARDED_V1: &str = "administration.events-discarded.v1";
const OPERATION_FAILED_V1: &str = "administration.operation-failed.v1";

pub(super) const TYPES: [&str; 8] = [
    OPERATION_REQUESTED_V1,
    REBUILD_BEGUN_V1,
    GENERATION_PROMOTED_V1,
    GENERATION_ROLLED_BACK_V1,
    GENERATION_DROPPED_V1,
    STREAMS_RETRIED_V1,
    EVENTS_DISCARDED_V1,
    OPERATION_FAILED_V1,
];

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationRequestedV1<'a> {
    operation: Uuid,
    kind: Name<OperationKind>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    generation: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    parked_stream: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    account: Option<Cow<'a, str>>,
}

/// An operation with the generation that came of it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct GenerationV1<'a> {
    operation: Uuid,
    #[serde(borrow)]
    generation: Cow<'a, str>,
}

/// An operation with the generation that serves, and the one that served before.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FlipV1<'a> {
    operation: Uuid,
    #[serde(borrow)]
    generation: Cow<'a, str>,
    #[serde(borrow)]
    before: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamsRetriedV1 {
    operation: Uuid,
    streams: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventsDiscardedV1<'a> {
    operation: Uuid,
    #[serde(borrow)]
    events: Vec<DiscardedV1<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiscardedV1<'a> {
    #[serde(borrow)]
    generation: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    revision: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationFailedV1<'a> {
    operation: Uuid,
    #[serde(borrow)]
    code: Cow<'a, str>,
}

pub(super) fn encode(event: &AdministrationEvent) -> EncodedEvent {
    use AdministrationEvent as Event;
    match event {
        Event::OperationRequested(request) => encoded(OPERATION_REQUESTED_V1, &OperationRequestedV1::of(request)),
        Event::RebuildBegun { operation, generation } => {
            encoded(REBUILD_BEGUN_V1, &GenerationV1::of(*operation, generation))
        }
        Event::GenerationPromoted {
            operation,
            generation,
            before,
        } => encoded(GENERATION_PROMOTED_V1, &FlipV1::of(*operation, generation, before)),
        Event::GenerationRolledBack {
            operation,
            generation,
            before,
        } => encoded(GENERATION_ROLLED_BACK_V1, &FlipV1::of(*operation, generation, before)),
        Event::GenerationDropped { operation, generation } => {
            encoded(GENERATION_DROPPED_V1, &GenerationV1::of(*operation, generation))
        }
        Event::StreamsRetried { operation, streams } => {
            let (operation, streams) = (*operation, *streams);
            encoded(STREAMS_RETRIED_V1, &StreamsRetriedV1 { operation, streams })
        }
        Event::EventsDiscarded { operation, events } => {
            let stored = EventsDiscardedV1 {
                operation: *operation,
                events: events.iter().map(DiscardedV1::of).collect(),
            };
            encoded(EVENTS_DISCARDED_V1, &stored)
        }
        Event::OperationFailed { operation, code } => {
            let stored = OperationFailedV1 {
                operation: *operation,
                code: Cow::Borrowed(code),
            };
            encoded(OPERATION_FAILED_V1, &stored)
        }
    }
}

/// Nothing when the type is not one of what administrators do.
pub(super) fn decode(event_type: &str, data: &str) -> Option<serde_json::Result<AdministrationEvent>> {
    use AdministrationEvent as Event;
    let decoded = match event_type {
        OPERATION_REQUESTED_V1 => {
            read::<OperationRequestedV1>(data).map(|stored| Event::OperationRequested(stored.into()))
        }
        REBUILD_BEGUN_V1 => read::<GenerationV1>(data).map(|stored| Event::RebuildBegun {
            operation: stored.operation,
            generation: stored.generation.into_owned(),
        }),
        GENERATION_PROMOTED_V1 => read::<FlipV1>(data).map(|stored| Event::GenerationPromoted {
            operation: stored.operation,
            generation: stored.generation.into_owned(),
            before: stored.before.into_owned(),
        }),
        GENERATION_ROLLED_BACK_V1 => read::<FlipV1>(data).map(|stored| Event::GenerationRolledBack {
            operation: stored.operation,
            generation: stored.generation.into_owned(),
            before: stored.before.into_owned(),
        }),
        GENERATION_DROPPED_V1 => read::<GenerationV1>(data).map(|stored| Event::GenerationDropped {
            operation: stored.operation,
            generation: stored.generation.into_owned(),
        }),
        STREAMS_RETRIED_V1 => read::<StreamsRetriedV1>(data).map(|stored| Event::StreamsRetried {
            operation: stored.operation,
            streams: stored.streams,
        }),
        EVENTS_DISCARDED_V1 => read::<EventsDiscardedV1>(data).map(|stored| Event::EventsDiscarded {
            operation: stored.operation,
            events: stored.events.into_iter().map(DiscardedEvent::from).collect(),
        }),
        OPERATION_FAILED_V1 => read::<OperationFailedV1>(data).map(|stored| Event::OperationFailed {
            operation: stored.operation,
            code: stored.code.into_owned(),
        }),
        _ => return None,
    };
    Some(decoded)
}

impl<'a> OperationRequestedV1<'a> {
    fn of(request: &'a Request) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
        Self {
            operation: request.operation,
            kind: Name(request.kind),
            generation: text(&request.generation),
            parked_stream: text(&request.stream),
            reason: text(&request.reason),
            account: text(&request.account),
        }
    }
}

impl From<OperationRequestedV1<'_>> for Request {
    fn from(stored: OperationRequestedV1<'_>) -> Self {
        Self {
            operation: stored.operation,
            kind: stored.kind.0,
            generation: stored.generation.map(Cow::into_owned),
            stream: stored.parked_stream.map(Cow::into_owned),
            reason: stored.reason.map(Cow::into_owned),
            account: stored.account.map(Cow::into_owned),
        }
    }
}

impl<'a> GenerationV1<'a> {
    fn of(operation: Uuid, generation: &'a str) -> Self {
        Self {
            operation,
            generation: Cow::Borrowed(generation),
        }
    }
}

impl<'a> FlipV1<'a> {
    fn of(operation: Uuid, generation: &'a str, before: &'a str) -> Self {
        Self {
            operation,
            generation: Cow::Borrowed(generation),
            before: Cow::Borrowed(before),
        }
    }
}

impl<'a> DiscardedV1<'a> {
    fn of(event: &'a DiscardedEvent) -> Self {
        Self {
            generation: Cow::Borrowed(&event.generation),
            stream: Cow::Borrowed(&event.stream),
            revision: event.revision,
        }
    }
}

impl From<DiscardedV1<'_>> for DiscardedEvent {
    fn from(stored: DiscardedV1<'_>) -> Self {
        Self {
            generation: stored.generation.into_owned(),
            stream: stored.stream.into_owned(),
            revision: stored.revision,
        }
    }
}
