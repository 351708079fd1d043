//! Stored forms of [`QuotaEvent`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{EncodedEvent, encoded, read};
use crate::quota::QuotaEvent;

const RESERVED_V1: &str = "quota.reserved.v1";

pub(super) const TYPES: [&str; 1] = [RESERVED_V1];

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReservedV1 {
    reservation: Uuid,
    at: DateTime<Utc>,
}

pub(super) fn encode(event: &QuotaEvent) -> EncodedEvent {
    match *event {
        QuotaEvent::Reserved { reservation, at } => encoded(RESERVED_V1, &ReservedV1 { reservation, at }),
    }
}

/// Nothing when the type is not one of a quota.
pub(super) fn decode(event_type: &str, data: &str) -> Option<serde_json::Result<QuotaEvent>> {
    let decoded = match event_type {
        RESERVED_V1 => read::<ReservedV1>(data).map(|stored| QuotaEvent::Reserved {
            reservation: stored.reservation,
            at: stored.at,
        }),
        _ => return None,
    };
    Some(decoded)
}
