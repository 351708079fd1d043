//! What an earlier run of the same import has written. A log with anything else in it is refused before anything is written.

use std::collections::HashMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use event_store::{EventMetadata, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::batches::{Batches, OldCommit};
use crate::history::export::{self, ExportError, ExportReader, Manifest};

/// Events of the export among which at least one of a log that holds a part of it must be: the first batches are written first.
const SOON: usize = 20_000;

/// Events of the export that the log has.
pub(super) struct Known {
    events: u64,
    /// How many of them were not met again yet.
    left: u64,
}

impl Known {
    /// Counts, and refuses a log that has other events.
    pub(super) async fn find(directory: &Path, manifest: &Manifest, pool: &PgPool) -> Result<Self, ExportError> {
        let events = export::event_count(pool).await?;
        let mut known = Self { events, left: events };
        if events == 0 {
            return Ok(known);
        }
        let refused = |strange: &str| ExportError::NotEmpty {
            events,
            strange: strange.to_owned(),
        };
        let reader = ExportReader::new(directory, manifest, |_| true).unchecked();
        let mut batches = Batches::start(reader, manifest.log.kind);
        let mut looked = 0;
        while known.left > 0 {
            if looked >= SOON && known.left == events {
                break;
            }
            let Some(batch) = batches.next().await? else { break };
            looked += batch.iter().map(Vec::len).sum::<usize>();
            known.strip(batch, pool).await?;
        }
        if known.left > 0 {
            return Err(refused("not all of them are the export's"));
        }
        Ok(Self { events, left: events })
    }

    pub(super) fn events(&self) -> u64 {
        self.events
    }

    /// The commits that the log has not.
    pub(super) async fn strip(&mut self, batch: Vec<OldCommit>, pool: &PgPool) -> Result<Vec<OldCommit>, ExportError> {
        if self.left == 0 {
            return Ok(batch);
        }
        let wanted = batch.iter().flatten();
        let (streams, revisions): (Vec<&str>, Vec<i64>) = wanted
            .map(|event| (event.stream.as_str(), i64::try_from(event.revision).unwrap_or(i64::MAX)))
            .unzip();
        let rows = sqlx::query(
            "select e.stream, e.revision, e.id, e.type, e.time, e.data::text as data, e.metadata
             from unnest($1::text[], $2::bigint[]) as wanted (stream, revision)
             join journal.events e on e.stream = wanted.stream and e.revision = wanted.revision",
        )
        .bind(streams)
        .bind(revisions)
        .fetch_all(pool)
        .await?;
        let mut there = HashMap::new();
        for row in rows {
            let place: (String, i64) = (row.try_get("stream")?, row.try_get("revision")?);
            there.insert(place, There::read(&row)?);
        }
        let found = |event: &RecordedEvent| {
            let place = (
                event.stream.to_string(),
                i64::try_from(event.revision).unwrap_or(i64::MAX),
            );
            there.get(&place).map(|there| there.is(event))
        };
        let mut missing = Vec::new();
        for commit in batch {
            let found: Vec<Option<bool>> = commit.iter().map(found).collect();
            if found.iter().all(Option::is_none) {
                missing.push(commit);
            } else if found.iter().all(|found| *found == Some(true)) {
                self.left = self.left.saturating_sub(commit.len() as u64);
            } else {
                let stream = commit
                    .first()
                    .map_or_else(String::new, |event| event.stream.to_string());
                return Err(ExportError::NotEmpty {
                    events: self.events,
                    strange: format!("stream {stream} has others than the export"),
                });
            }
        }
        Ok(missing)
    }
}

/// An event of the log.
struct There {
    id: Uuid,
    event_type: String,
    time: DateTime<Utc>,
    data: String,
    metadata: Json<EventMetadata>,
}

impl There {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            event_type: row.try_get("type")?,
            time: row.try_get("time")?,
            data: row.try_get("data")?,
            metadata: row.try_get("metadata")?,
        })
    }

    /// The same in everything that an import carries over.
    fn is(&self, event: &RecordedEvent) -> bool {
        (self.id, &*self.event_type, self.time, &*self.data)
            == (event.id.as_uuid(), &*event.event_type, event.time, event.data.get())
            && self.metadata.0 == event.metadata
    }
}
