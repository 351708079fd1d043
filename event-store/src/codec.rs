//! The wire: a commit is one record, its value a JSON array of CloudEvents 1.0, its own fields in headers.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::StreamId;
use uuid::Uuid;

use crate::acceptance::{Candidate, Digest, RULE_VERSION, Reach};
use crate::commit::{Basis, Commit};
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::log::{LogRecord, Record};
use crate::rejection::RecordedRejection;

mod cloud_event;
mod pin;

pub use cloud_event::{CloudEvent, SOURCE};
pub use pin::{Pin, STREAM_HASH};

/// Version of this format; a reader that meets a newer one stops.
pub const FORMAT_VERSION: u32 = 1;

/// Media type of a commit's value.
pub const CONTENT_TYPE: &str = "application/cloudevents-batch+json; charset=UTF-8";

mod header {
    pub(super) const VERSION: &str = "version";
    pub(super) const KIND: &str = "kind";
    pub(super) const COMMIT: &str = "commit";
    pub(super) const SEEN: &str = "seen";
    pub(super) const EXPECTED: &str = "expected";
    pub(super) const DIGEST: &str = "digest";
    pub(super) const COMMANDS: &str = "commands";
    pub(super) const AUTHOR: &str = "author";
    pub(super) const CONTENT_TYPE: &str = "content-type";
    pub(super) const REJECTIONS: &str = "rejections";
}

const KIND_COMMIT: &str = "commit";
const KIND_STREAM_FENCE: &str = "stream-fence";
const KIND_CATEGORY_FENCE: &str = "category-fence";
pub(crate) const KIND_PIN: &str = "pin";

/// The header fields of a commit or fence: all that is needed to judge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitHeader {
    /// Unique for each attempt to append.
    pub id: Uuid,
    /// The stream; for a category fence the category's name.
    pub stream: StreamId,
    /// The revision before it; none when it starts the stream.
    pub expected: Option<u64>,
    /// What the rule looks at.
    pub candidate: Candidate,
    /// Has it no events, on purpose?
    pub is_fence: bool,
    /// Where its author listens: a hint.
    pub author: String,
}

impl CommitHeader {
    /// What it is on.
    pub fn target(&self) -> FenceTarget {
        match self.candidate.reach {
            Reach::Stream => FenceTarget::Stream(self.stream.clone()),
            Reach::Category => FenceTarget::Category(self.stream.as_str().to_owned()),
        }
    }
}

/// What a record is, as far as its headers tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKind {
    /// To be judged.
    Commit(Box<CommitHeader>),
    /// The first record of a partition.
    Pin(Pin),
    /// Not ours or damaged: void.
    Foreign,
    /// Written by a newer version: the reader stops.
    Newer {
        /// Its version.
        version: u32,
    },
}

/// The record of a commit.
pub fn encode_commit(commit: &Commit, author: &str) -> Result<Record, StoreError> {
    if commit.event_count() == 0 {
        return Err(StoreError::Invalid("a commit needs at least one event"));
    }
    let mut commands = String::with_capacity(commit.commands.len() * 72);
    for command in &commit.commands {
        if !commands.is_empty() {
            commands.push(',');
        }
        let stamp = &command.stamp;
        // Writing to a string cannot fail.
        let _ = write!(
            commands,
            "{}:{:032x}:{}",
            stamp.scoped_command(),
            stamp.command_hash,
            command.events.len()
        );
    }
    Ok(Record {
        key: Bytes::copy_from_slice(commit.stream.as_str().as_bytes()),
        headers: vec![
            (header::VERSION, version_text()),
            (header::KIND, Bytes::from_static(KIND_COMMIT.as_bytes())),
            (header::COMMIT, Bytes::from(commit.id.to_string())),
            (header::SEEN, Bytes::from(commit.basis.seen.to_string())),
            (header::EXPECTED, Bytes::from(expected_text(commit.basis.revision))),
            (header::DIGEST, Bytes::from(format!("{:032x}", commit.basis.digest))),
            (header::COMMANDS, Bytes::from(commands)),
            (header::AUTHOR, Bytes::copy_from_slice(author.as_bytes())),
            (header::CONTENT_TYPE, Bytes::from_static(CONTENT_TYPE.as_bytes())),
        ],
        value: Bytes::from(cloud_event::encode_batch(commit)?),
    })
}

/// The record of a fence: a commit without events that makes everything decided before it void.
pub fn encode_fence(id: Uuid, target: &FenceTarget, seen: i64, digest: Digest, author: &str) -> Record {
    let (kind, key) = match target {
        FenceTarget::Stream(stream) => (KIND_STREAM_FENCE, stream.as_str()),
        FenceTarget::Category(category) => (KIND_CATEGORY_FENCE, category.as_str()),
    };
    Record {
        key: Bytes::copy_from_slice(key.as_bytes()),
        headers: vec![
            (header::VERSION, version_text()),
            (header::KIND, Bytes::from_static(kind.as_bytes())),
            (header::COMMIT, Bytes::from(id.to_string())),
            (header::SEEN, Bytes::from(seen.to_string())),
            (header::DIGEST, Bytes::from(format!("{:032x}", digest.0))),
            (header::AUTHOR, Bytes::copy_from_slice(author.as_bytes())),
        ],
        value: Bytes::new(),
    }
}

/// The record of a fence on a stream that makes negative answers final, decided on `basis`.
pub fn encode_rejections(
    id: Uuid,
    stream: &StreamId,
    basis: &Basis,
    rejections: &[RecordedRejection],
    author: &str,
) -> Result<Record, StoreError> {
    let target = FenceTarget::Stream(stream.clone());
    let mut record = encode_fence(id, &target, basis.seen, Digest(basis.digest), author);
    let text = serde_json::to_vec(rejections).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    record.headers.push((header::REJECTIONS, Bytes::from(text)));
    Ok(record)
}

/// The negative answers that an accepted fence records; most record none.
pub fn decode_rejections(record: &LogRecord) -> Result<Vec<RecordedRejection>, StoreError> {
    let Some(text) = record.header(header::REJECTIONS) else {
        return Ok(Vec::new());
    };
    serde_json::from_str(text).map_err(|error| {
        StoreError::Corrupt(format!(
            "partition {} offset {}: rejections: {error}",
            record.partition, record.offset
        ))
    })
}

/// What a fence covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FenceTarget {
    /// One stream.
    Stream(StreamId),
    /// All streams of a category in the partition.
    Category(String),
}

/// Reads the headers of a record.
pub fn decode_header(record: &LogRecord) -> RecordKind {
    let Some(version) = record.header(header::VERSION).and_then(|text| text.parse::<u32>().ok()) else {
        return RecordKind::Foreign;
    };
    if version > FORMAT_VERSION.max(RULE_VERSION) {
        return RecordKind::Newer { version };
    }
    match record.header(header::KIND) {
        Some(KIND_PIN) => Pin::decode(record).map_or(RecordKind::Foreign, RecordKind::Pin),
        Some(kind) => {
            commit_header(record, kind).map_or(RecordKind::Foreign, |header| RecordKind::Commit(Box::new(header)))
        }
        None => RecordKind::Foreign,
    }
}

/// The events of an accepted commit.
pub fn decode_events(record: &LogRecord, header: &CommitHeader) -> Result<Vec<RecordedEvent>, StoreError> {
    cloud_event::decode_batch(record, header)
}

fn commit_header(record: &LogRecord, kind: &str) -> Option<CommitHeader> {
    let (reach, is_fence) = match kind {
        KIND_COMMIT => (Reach::Stream, false),
        KIND_STREAM_FENCE => (Reach::Stream, true),
        KIND_CATEGORY_FENCE => (Reach::Category, true),
        _ => return None,
    };
    let stream = StreamId::parse(std::str::from_utf8(&record.key).ok()?).ok()?;
    let expected = match record.header(header::EXPECTED) {
        Some("none") | None => None,
        Some(text) => Some(text.parse().ok()?),
    };
    let category = match reach {
        Reach::Stream => hash_text(stream.category()),
        Reach::Category => hash_text(stream.as_str()),
    };
    Some(CommitHeader {
        id: Uuid::parse_str(record.header(header::COMMIT)?).ok()?,
        candidate: Candidate {
            stream: stream.hash128(),
            category,
            seen: record.header(header::SEEN)?.parse().ok().filter(|seen| *seen >= -1)?,
            digest: Digest(u128::from_str_radix(record.header(header::DIGEST)?, 16).ok()?),
            reach,
        },
        stream,
        expected,
        is_fence,
        author: record.header(header::AUTHOR).unwrap_or_default().to_owned(),
    })
}

/// The hash of a category's name.
pub fn category_hash(stream: &StreamId) -> u128 {
    hash_text(stream.category())
}

fn hash_text(text: &str) -> u128 {
    StreamId::parse(text).map_or(0, |name| name.hash128())
}

fn version_text() -> Bytes {
    Bytes::from_static(b"1")
}

fn expected_text(revision: Option<u64>) -> String {
    revision.map_or_else(|| "none".to_owned(), |revision| revision.to_string())
}

/// The time as it stands in the log: RFC 3339 in UTC with microseconds, PostgreSQL's precision.
pub(crate) fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
