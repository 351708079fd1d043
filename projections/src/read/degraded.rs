//! Which streams a generation shows less of than the log holds.

use std::collections::{HashMap, HashSet};

use domain::StreamId;
use event_store::Cut;
use sqlx::PgConnection;

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

    /// Those of a generation whose events nobody can give up.
    pub(super) async fn of(connection: &mut PgConnection, generation: i32) -> Result<Self, sqlx::Error> {
        let rows: Vec<(String, i32, i64)> =
            sqlx::query_as("select stream, partition, record_offset from control.parked_stream where generation = $1")
                .bind(generation)
                .fetch_all(connection)
                .await?;
        let place = |(stream, partition, offset): (String, i32, i64)| {
            (stream, partition.cast_unsigned(), offset.cast_unsigned())
        };
        Ok(Self::new(rows.into_iter().map(place), Vec::new()))
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
