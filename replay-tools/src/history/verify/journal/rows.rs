//! Rows of the journal by partition, a page at a time.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use domain::{EventId, StreamId};
use event_store::{EventMetadata, LogPosition, Position, RecordedEvent};
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::history::verify::error::VerifyError;

/// Rows in memory at once.
pub(super) const PAGE: usize = 1_000;

/// A row of `journal.events`, as it is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct EventRow {
    pub(super) stream: String,
    pub(super) revision: i64,
    pub(super) position: i64,
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) index: i32,
    pub(super) id: Uuid,
    #[sqlx(rename = "type")]
    pub(super) event_type: String,
    pub(super) time: DateTime<Utc>,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) command: Uuid,
    pub(super) data: Json<Box<RawValue>>,
    pub(super) metadata: Json<serde_json::Value>,
}

/// A row of `journal.fences`, as it is.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct FenceRow {
    pub(super) offset: i64,
    pub(super) stream: Option<String>,
    pub(super) category: Option<String>,
    pub(super) recorded_at: DateTime<Utc>,
}

impl EventRow {
    /// Its place in its partition.
    pub(super) fn place(&self) -> (u64, u32) {
        (unsigned(self.offset), u32::try_from(self.index).unwrap_or(u32::MAX))
    }

    /// As a reader of the journal sees it; why not, when it cannot be read.
    pub(super) fn event(&self) -> Result<RecordedEvent, String> {
        let metadata: EventMetadata =
            serde_json::from_value(self.metadata.0.clone()).map_err(|error| format!("its metadata: {error}"))?;
        Ok(RecordedEvent {
            stream: StreamId::parse(&self.stream).map_err(|error| format!("its stream: {error}"))?,
            revision: unsigned(self.revision),
            id: EventId::new(self.id),
            event_type: self.event_type.clone(),
            time: self.time,
            recorded_at: self.recorded_at,
            data: self.data.0.clone(),
            metadata,
            at: LogPosition {
                partition: u32::try_from(self.partition).unwrap_or(u32::MAX),
                offset: unsigned(self.offset),
                index: u32::try_from(self.index).unwrap_or(u32::MAX),
            },
            position: Some(Position(unsigned(self.position))),
        })
    }
}

/// The events of one partition in the order of the log.
pub(super) struct EventPages {
    partition: i32,
    page: VecDeque<EventRow>,
    after: (i64, i32),
    complete: bool,
}

impl EventPages {
    pub(super) fn of(partition: u32) -> Self {
        Self {
            partition: signed(partition),
            page: VecDeque::new(),
            after: (i64::MIN, i32::MIN),
            complete: false,
        }
    }

    /// The next row, which stays.
    pub(super) async fn peek(&mut self, connection: &mut PgConnection) -> Result<Option<&EventRow>, VerifyError> {
        if self.page.is_empty() && !self.complete {
            let rows: Vec<EventRow> = sqlx::query_as(
                r#"select stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata
                   from journal.events where partition = $1 and ("offset", index) > ($2, $3)
                   order by "offset", index limit $4"#,
            )
            .bind(self.partition)
            .bind(self.after.0)
            .bind(self.after.1)
            .bind(page_limit())
            .fetch_all(connection)
            .await?;
            self.complete = rows.len() < PAGE;
            if let Some(last) = rows.last() {
                self.after = (last.offset, last.index);
            }
            self.page = rows.into();
        }
        Ok(self.page.front())
    }

    /// The row that was looked at.
    pub(super) fn take(&mut self) -> Option<EventRow> {
        self.page.pop_front()
    }
}

/// The fences of one partition in the order of the log.
pub(super) struct FencePages {
    partition: i32,
    page: VecDeque<FenceRow>,
    after: i64,
    complete: bool,
}

impl FencePages {
    pub(super) fn of(partition: u32) -> Self {
        Self {
            partition: signed(partition),
            page: VecDeque::new(),
            after: i64::MIN,
            complete: false,
        }
    }

    /// The next row, which stays.
    pub(super) async fn peek(&mut self, connection: &mut PgConnection) -> Result<Option<&FenceRow>, VerifyError> {
        if self.page.is_empty() && !self.complete {
            let rows: Vec<FenceRow> = sqlx::query_as(
                r#"select "offset", stream, category, recorded_at from journal.fences
                   where partition = $1 and "offset" > $2 order by "offset" limit $3"#,
            )
            .bind(self.partition)
            .bind(self.after)
            .bind(page_limit())
            .fetch_all(connection)
            .await?;
            self.complete = rows.len() < PAGE;
            if let Some(last) = rows.last() {
                self.after = last.offset;
            }
            self.page = rows.into();
        }
        Ok(self.page.front())
    }

    /// The row that was looked at.
    pub(super) fn take(&mut self) -> Option<FenceRow> {
        self.page.pop_front()
    }
}

pub(super) fn page_limit() -> i64 {
    i64::try_from(PAGE).unwrap_or(i64::MAX)
}

pub(super) fn signed(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
