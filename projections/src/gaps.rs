//! What of the log is not in the rows of a generation: what waits behind an event that cannot be projected, and events that were given up.

use std::collections::{HashMap, HashSet};

use domain::StreamId;
use event_store::RecordedEvent;
use sqlx::PgConnection;

/// The gaps of a generation, by stream.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    /// Streams that stand still, and before which revision.
    standing: HashMap<StreamId, u64>,
    given_up: HashMap<StreamId, HashSet<u64>>,
}

impl Gaps {
    /// Those of a generation, as the connection's transaction sees them.
    pub async fn of(connection: &mut PgConnection, generation: i32) -> Result<Self, sqlx::Error> {
        let rows: Vec<(String, i64, bool)> = sqlx::query_as(
            "select stream, revision, false from control.parked_stream where generation = $1 \
             union all select stream, revision, true from control.discarded_event where generation = $1",
        )
        .bind(generation)
        .fetch_all(connection)
        .await?;
        let mut gaps = Self::default();
        for (stream, revision, is_given_up) in rows {
            // What is no stream's name cannot be that of an event.
            let Ok(stream) = StreamId::parse(&stream) else {
                continue;
            };
            if is_given_up {
                gaps.given_up
                    .entry(stream)
                    .or_default()
                    .insert(revision.cast_unsigned());
            } else {
                gaps.stand_still(stream, revision.cast_unsigned());
            }
        }
        Ok(gaps)
    }

    /// From now on a stream stands still before this revision.
    pub(crate) fn stand_still(&mut self, stream: StreamId, revision: u64) {
        self.standing.insert(stream, revision);
    }

    /// How many streams stand still.
    pub fn standing(&self) -> u64 {
        self.standing.len() as u64
    }

    /// How many events were given up.
    pub fn given_up(&self) -> u64 {
        self.given_up.values().map(|revisions| revisions.len() as u64).sum()
    }

    /// Does the event wait, as the first that cannot be projected or behind it?
    pub(crate) fn hold(&self, event: &RecordedEvent) -> bool {
        let before = self.standing.get(&event.stream);
        before.is_some_and(|before| event.revision >= *before)
    }

    /// Was the event given up?
    pub(crate) fn lack(&self, event: &RecordedEvent) -> bool {
        let revisions = self.given_up.get(&event.stream);
        revisions.is_some_and(|revisions| revisions.contains(&event.revision))
    }
}
