//! Names of streams, and the two hashes of them that every reader of the log must agree on.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Longest stream id in bytes.
pub const STREAM_ID_MAX_BYTES: usize = 250;

/// The name of a stream, `category-id` (`task-0198...`). Any UTF-8 without control characters; cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(Arc<str>);

/// The part of a stream id before its first `-`; the whole id when there is none.
pub type Category<'a> = &'a str;

/// Why a text is not a stream id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StreamIdError {
    /// Nothing was given.
    #[error("a stream id must not be empty")]
    Empty,
    /// More than [`STREAM_ID_MAX_BYTES`].
    #[error("a stream id may have at most {STREAM_ID_MAX_BYTES} bytes")]
    TooLong,
    /// PostgreSQL cannot store NUL, and nobody can read the others.
    #[error("a stream id must not hold control characters")]
    ControlCharacter,
}

impl StreamId {
    /// Checks a text.
    pub fn parse(text: &str) -> Result<Self, StreamIdError> {
        if text.is_empty() {
            return Err(StreamIdError::Empty);
        }
        if text.len() > STREAM_ID_MAX_BYTES {
            return Err(StreamIdError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(StreamIdError::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The stream of an aggregate: `category-id`.
    pub fn of(category: &'static str, id: Uuid) -> Self {
        Self(format!("{category}-{id}").into())
    }

    /// The only stream of its name in a category: `category-name`.
    pub(crate) fn named(category: &'static str, name: &'static str) -> Self {
        Self(format!("{category}-{name}").into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first `-`.
    pub fn category(&self) -> Category<'_> {
        self.0.split_once('-').map_or(&*self.0, |(category, _)| category)
    }

    /// The UUID after the category, when there is one.
    pub fn uuid(&self) -> Option<Uuid> {
        let (_, id) = self.0.split_once('-')?;
        Uuid::parse_str(id).ok()
    }

    /// The first 128 bits of SHA-256 of the text. Readers of the log tell streams apart by it.
    pub fn hash128(&self) -> u128 {
        let digest = Sha256::digest(self.0.as_bytes());
        digest
            .iter()
            .take(16)
            .fold(0_u128, |hash, byte| (hash << 8) | u128::from(*byte))
    }

    /// The partition of this stream among `partitions`: the hash modulo the count.
    /// Pinned in the log's first record; changing it would cut every stream in two.
    pub fn partition(&self, partitions: u32) -> u32 {
        partition_of(self.hash128(), partitions)
    }
}

/// See [`StreamId::partition`].
pub fn partition_of(stream_hash: u128, partitions: u32) -> u32 {
    u32::try_from(stream_hash % u128::from(partitions.max(1))).unwrap_or(0)
}

impl fmt::Display for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl serde::Serialize for StreamId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for StreamId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
