//! Places in the log: the global position, cuts over all partitions, and the tokens that clients hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::StreamId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Place in the total order of the journal: 1, 2, 3, ... visible in order, so a reader never skips one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Which history a position belongs to. A restored or re-created log has another epoch, and old tokens do not fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogEpoch(pub Uuid);

/// For each partition the offset of the next record to read: everything below it is covered. A missing partition means 0.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cut(BTreeMap<u32, u64>);

impl Cut {
    /// Nothing covered.
    pub const fn start() -> Self {
        Self(BTreeMap::new())
    }

    /// The next offset of a partition.
    pub fn next(&self, partition: u32) -> u64 {
        self.0.get(&partition).copied().unwrap_or(0)
    }

    /// Raises a partition; never lowers it.
    pub fn raise(&mut self, partition: u32, next: u64) {
        let entry = self.0.entry(partition).or_insert(0);
        *entry = (*entry).max(next);
    }

    /// Raises every partition to the other cut: the smallest cut that covers both.
    pub fn merge(&mut self, other: &Self) {
        for (partition, next) in other.iter() {
            self.raise(partition, next);
        }
    }

    /// Does this cut cover everything that the other covers?
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(partition, next)| self.next(partition) >= next)
    }

    /// Records that this cut has and the other lacks, summed over partitions.
    pub fn ahead_of(&self, other: &Self) -> u64 {
        self.iter()
            .map(|(partition, next)| next.saturating_sub(other.next(partition)))
            .sum()
    }

    /// What this cut says of these partitions.
    #[must_use]
    pub fn of_partitions(&self, partitions: &BTreeSet<u32>) -> Self {
        self.iter()
            .filter(|(partition, _)| partitions.contains(partition))
            .collect()
    }

    /// All partitions with their next offsets, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.0.iter().map(|(partition, next)| (*partition, *next))
    }
}

impl FromIterator<(u32, u64)> for Cut {
    fn from_iter<I: IntoIterator<Item = (u32, u64)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// What a client holds to read its own writes: an epoch, a cut, and the stream that a command touched.
/// Opaque text outside ([`PositionToken::encode`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionToken {
    /// The history it belongs to.
    #[serde(rename = "e")]
    pub epoch: LogEpoch,
    /// What a read must cover.
    #[serde(rename = "c")]
    pub cut: Cut,
    /// The stream of the command, so that a wait on a parked stream can end.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamId>,
}

/// The text is not a token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a position token")]
pub struct InvalidToken;

/// Longest token in bytes that is looked at.
const TOKEN_MAX_BYTES: usize = 4_096;

impl PositionToken {
    /// The opaque text: URL-safe, without padding.
    pub fn encode(&self) -> String {
        // Serialising plain maps and strings to a vector cannot fail; an empty token would be refused on the way back.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token back.
    pub fn decode(text: &str) -> Result<Self, InvalidToken> {
        if text.len() > TOKEN_MAX_BYTES {
            return Err(InvalidToken);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?;
        serde_json::from_slice(&bytes).map_err(|_| InvalidToken)
    }

    /// This token and the other in one; of another epoch the other is dropped.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        if other.epoch == self.epoch {
            self.cut.merge(&other.cut);
        }
        self
    }
}
