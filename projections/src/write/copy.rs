//! Many new rows in one stream, in the binary form of COPY: no arrays to build, nothing to plan, no text to parse.
//!
//! The form is the one of "File Formats, Binary Format" in PostgreSQL's manual for COPY.

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::value::Value;

/// Signature, no flags, no extension of the header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// In the place of the number of fields: the end.
const TRAILER: i16 = -1;
/// In the place of a length.
const NULL: i32 = -1;
/// Bytes that are sent at once, about: what is held in memory besides the rows.
const CHUNK: usize = 256 * 1024;
/// Type `text`, of the elements of an array.
const TEXT_OID: i32 = 25;
/// The first byte of a `jsonb`.
const JSONB_VERSION: u8 = 1;
/// 2000-01-01, from where PostgreSQL counts, as a day of the common era.
const EPOCH_DAYS: i32 = 730_120;
/// Microseconds from 1970-01-01 to 2000-01-01.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// Copies rows, whose values are in the order of the columns of the statement.
pub(super) async fn copy(
    connection: &mut PgConnection,
    statement: &str,
    rows: Vec<Vec<Value>>,
) -> Result<(), sqlx::Error> {
    let mut copying = connection.copy_in_raw(statement).await?;
    let mut buffer = Vec::with_capacity(CHUNK + CHUNK / 4);
    buffer.extend_from_slice(HEADER);
    for row in rows {
        add_row(&mut buffer, row);
        if buffer.len() >= CHUNK {
            copying.send(buffer.as_slice()).await?;
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&TRAILER.to_be_bytes());
    copying.send(buffer.as_slice()).await?;
    copying.finish().await?;
    Ok(())
}

fn add_row(buffer: &mut Vec<u8>, row: Vec<Value>) {
    // A table has at most 1,600 columns.
    let fields = i16::try_from(row.len()).unwrap_or(i16::MAX);
    buffer.extend_from_slice(&fields.to_be_bytes());
    for value in row {
        add_value(buffer, value);
    }
}

fn add_value(buffer: &mut Vec<u8>, value: Value) {
    match value {
        Value::Null => buffer.extend_from_slice(&NULL.to_be_bytes()),
        Value::Text(text) => add(buffer, text.as_bytes()),
        Value::Uuid(uuid) => add(buffer, uuid.as_bytes()),
        Value::Int(number) => add(buffer, &number.to_be_bytes()),
        Value::Bool(truth) => add(buffer, &[u8::from(truth)]),
        Value::Timestamp(moment) => add(buffer, &microseconds(moment).to_be_bytes()),
        Value::Date(day) => add(buffer, &days(day).to_be_bytes()),
        Value::TextArray(texts) => add(buffer, &text_array(&texts)),
        Value::Json(json) => {
            let mut bytes = vec![JSONB_VERSION];
            bytes.extend_from_slice(json.to_string().as_bytes());
            add(buffer, &bytes);
        }
    }
}

fn add(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.extend_from_slice(&length(bytes.len()).to_be_bytes());
    buffer.extend_from_slice(bytes);
}

/// The server refuses fields of a gigabyte and more.
fn length(bytes: usize) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

fn microseconds(moment: DateTime<Utc>) -> i64 {
    moment.timestamp_micros() - EPOCH_MICROSECONDS
}

fn days(day: NaiveDate) -> i32 {
    day.num_days_from_ce() - EPOCH_DAYS
}

/// Dimensions, whether there are nulls, the type of the elements; for one dimension its length and lower bound; the elements.
fn text_array(texts: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let dimensions = i32::from(!texts.is_empty());
    for number in [dimensions, 0, TEXT_OID] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    if !texts.is_empty() {
        for number in [length(texts.len()), 1] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
    }
    for text in texts {
        add(&mut bytes, text.as_bytes());
    }
    bytes
}
