//! Which streams a generation shows less of than the log holds.

use std::collections::{HashMap, HashSet};

use domain::StreamId;
use event_store::Cut;

/// Streams whose rows lack something. Nearly always none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DegradedStreams {
    /// Partition and offset of the event before which each stands.
    parked: HashMap<String, (u32, u64)>,
    lacking: HashSet<String>,
}

impl DegradedStreams {
    pub(super) fn new(parked: impl IntoIterator<Item = (String, u32, u64)>, lacking: Vec<String>) -> Self {
        let parked = parked
            .into_iter()
            .map(|(stream, partition, offset)| (stream, (partition, offset)));
        Self {
            parked: parked.collect(),
            lacking: lacking.into_iter().collect(),
        }
    }

    /// Does the stream stand still, or lack an event that was given up?
    pub fn holds(&self, stream: &StreamId) -> bool {
        self.parked.contains_key(stream.as_str()) || self.lacking.contains(stream.as_str())
    }

    /// Does the stream stand before an event that the cut covers? Then rows at the cut do not show it, and waiting does not help.
    pub fn stands_before(&self, stream: &StreamId, cut: &Cut) -> bool {
        self.parked
            .get(stream.as_str())
            .is_some_and(|(partition, offset)| *offset < cut.next(*partition))
    }

    /// How many streams stand still.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }
}
