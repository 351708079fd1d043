//! The first record of each partition: what must never change.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{FORMAT_VERSION, KIND_PIN, header};
use crate::acceptance::RULE_VERSION;
use crate::log::{LogRecord, Record};

/// Name of the hash that tells streams apart and places them: the first 128 bits of SHA-256, modulo the partition count.
pub const STREAM_HASH: &str = "sha256-128";

/// What the first record of a partition pins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Random; the same in all partitions. A topic that was deleted and made again has another one.
    pub log_id: Uuid,
    /// Number of partitions at creation.
    pub partitions: u32,
    /// Which hash places streams: [`STREAM_HASH`].
    pub stream_hash: String,
    /// `W` of the acceptance rule.
    pub window: u64,
    /// Version of the acceptance rule.
    pub rule_version: u32,
}

impl Pin {
    /// A new log.
    pub fn new(log_id: Uuid, partitions: u32, window: u64) -> Self {
        Self {
            log_id,
            partitions,
            stream_hash: STREAM_HASH.to_owned(),
            window,
            rule_version: RULE_VERSION,
        }
    }

    /// The record that says so.
    pub fn encode(&self) -> Record {
        Record {
            key: Bytes::from_static(b"log"),
            headers: vec![
                (header::VERSION, Bytes::from(FORMAT_VERSION.to_string())),
                (header::KIND, Bytes::from_static(KIND_PIN.as_bytes())),
                (header::CONTENT_TYPE, Bytes::from_static(b"application/json")),
            ],
            // Plain numbers and strings always serialise.
            value: Bytes::from(serde_json::to_vec(self).unwrap_or_default()),
        }
    }

    /// Reads a pin record.
    pub fn decode(record: &LogRecord) -> Option<Self> {
        serde_json::from_slice(&record.value).ok()
    }
}
