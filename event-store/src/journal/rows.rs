//! Rows of `journal.events` as events, and database errors as store errors.

use chrono::{DateTime, Utc};
use domain::{EventId, StreamId};
use serde_json::value::RawValue;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;
use crate::event::{EventMetadata, LogPosition, RecordedEvent};
use crate::position::Position;

/// The columns that [`event`] reads, for `select` lists.
pub(crate) const EVENT_COLUMNS: &str = r#"e.stream, e.revision, e.position, e.partition, e."offset", e.index, e.id, e.type, e.time, e.recorded_at, e.data, e.metadata"#;

/// SQLSTATE with which functions of the journal say that something is not where their caller believed it to be.
pub(crate) const ELSEWHERE: &str = "CA001";

/// SQLSTATE with which they say that a stream would get a hole.
pub(crate) const HOLE: &str = "CA002";

/// Reads one row, whose first columns are [`EVENT_COLUMNS`]. By their places: a name is looked up in a map for each value.
pub(crate) fn event(row: &PgRow) -> Result<RecordedEvent, StoreError> {
    let stream: &str = get(row, 0)?;
    let data: Json<Box<RawValue>> = get(row, 10)?;
    let metadata: Json<EventMetadata> = get(row, 11)?;
    Ok(RecordedEvent {
        stream: StreamId::parse(stream).map_err(|error| StoreError::Corrupt(format!("stream {stream:?}: {error}")))?,
        revision: unsigned(get(row, 1)?)?,
        id: EventId::new(get::<Uuid, _>(row, 6)?),
        event_type: get(row, 7)?,
        time: get::<DateTime<Utc>, _>(row, 8)?,
        recorded_at: get::<DateTime<Utc>, _>(row, 9)?,
        data: data.0,
        metadata: metadata.0,
        at: LogPosition {
            partition: u32::try_from(get::<i32, _>(row, 3)?).map_err(|_| negative())?,
            offset: unsigned(get(row, 4)?)?,
            index: u32::try_from(get::<i32, _>(row, 5)?).map_err(|_| negative())?,
        },
        position: Some(Position(unsigned(get(row, 2)?)?)),
    })
}

/// A column of a row.
pub(crate) fn get<'row, T, I>(row: &'row PgRow, column: I) -> Result<T, StoreError>
where
    I: sqlx::ColumnIndex<PgRow> + std::fmt::Display + Copy,
    T: sqlx::Decode<'row, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column)
        .map_err(|error| StoreError::Corrupt(format!("column {column}: {error}")))
}

/// A `bigint` that is never negative.
pub(crate) fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| negative())
}

/// An unsigned number as `bigint`.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn negative() -> StoreError {
    StoreError::Corrupt("a number in the journal is negative".to_owned())
}

/// Errors that PostgreSQL reports for data it cannot store as `jsonb` or text.
const UNTRANSLATABLE: [&str; 3] = ["22P05", "22021", "22P02"];

/// What a database error means for a statement that wrote nothing.
pub(crate) fn database_error(error: &sqlx::Error) -> StoreError {
    if let sqlx::Error::Database(database) = error
        && database
            .code()
            .is_some_and(|code| UNTRANSLATABLE.contains(&code.as_ref()))
    {
        return StoreError::Invalid("an event holds text that PostgreSQL cannot store, such as U+0000");
    }
    StoreError::Unavailable {
        reason: format!("PostgreSQL: {error}"),
    }
}
