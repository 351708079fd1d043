//! A hash of what events say, which does not depend on where a log has put them: two logs with the same history have the same hash.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::row::Row;

/// The sum of the hashes of events, so that their order does not matter. Each covers stream, revision, event id, type, time, command,
/// data and metadata, but neither position nor offset nor the time of recording, which every log gives anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContentHash(u128);

impl ContentHash {
    fn add(&mut self, row: &Row<'_>) {
        let mut hash = Sha256::new();
        // Lengths first: no two different rows give the same bytes.
        for text in [row.stream, row.event_type, row.data, row.metadata] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(row.revision.to_be_bytes());
        hash.update(row.time.to_be_bytes());
        hash.update(row.id);
        hash.update(row.command);
        let first = hash.finalize().into_iter().take(16);
        let number = first.fold(0_u128, |number, byte| (number << 8) | u128::from(byte));
        self.0 = self.0.wrapping_add(number);
    }

    /// Takes the events of another hash in.
    pub(super) fn merge(&mut self, other: Self) {
        self.0 = self.0.wrapping_add(other.0);
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)?;
        Ok(Self(number))
    }
}

/// The hash of each partition.
#[derive(Debug, Default)]
pub(in crate::history) struct Contents {
    by_partition: BTreeMap<u32, ContentHash>,
    events: u64,
}

impl Contents {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let partition = u32::try_from(row.partition).unwrap_or(u32::MAX);
        self.by_partition.entry(partition).or_default().add(row);
        self.events += 1;
    }

    pub(in crate::history) fn events(&self) -> u64 {
        self.events
    }

    pub(in crate::history) fn into_hashes(self) -> BTreeMap<u32, ContentHash> {
        self.by_partition
    }
}

/// The hash of all partitions together, which also fits a log of another number of partitions.
pub(in crate::history) fn total(contents: &BTreeMap<u32, ContentHash>) -> ContentHash {
    let mut total = ContentHash::default();
    for hash in contents.values() {
        total.merge(*hash);
    }
    total
}
