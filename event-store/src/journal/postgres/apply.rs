//! Taking a piece of the log into the journal: checkpoints compared, events copied, positions given, in one transaction.

use std::fmt::Write as _;

use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::super::rows::{database_error, signed, unsigned};
use super::super::{Applied, JournalBatch};
use super::partition_column;
use crate::codec::{FenceTarget, time_text};
use crate::error::StoreError;
use crate::event::RecordedEvent;

/// From how many events on COPY is the faster way. Below, its two messages cost a delayed acknowledgement of TCP (40 ms),
/// since the driver leaves Nagle's algorithm on.
const COPY_FROM: usize = 200;

/// Returns the last position given, when events were written.
pub(super) async fn apply(pool: &PgPool, batch: &JournalBatch) -> Result<(Applied, Option<u64>), StoreError> {
    let mut transaction = pool.begin().await.map_err(|error| database_error(&error))?;
    if !advance(&mut transaction, batch).await? {
        return Ok((Applied::Moved, None));
    }
    let mut last_position = None;
    if !batch.events.is_empty() {
        let base: i64 = sqlx::query_scalar("update journal.head set position = position + $1 returning position - $1")
            .bind(signed(batch.events.len() as u64))
            .fetch_one(&mut *transaction)
            .await
            .map_err(|error| database_error(&error))?;
        let base = unsigned(base)?;
        if batch.events.len() < COPY_FROM {
            insert_events(&mut transaction, &batch.events, base).await?;
        } else {
            copy_events(&mut transaction, &batch.events, base).await?;
        }
        last_position = Some(base + batch.events.len() as u64);
    }
    insert_fences(&mut transaction, batch).await?;
    transaction.commit().await.map_err(|error| database_error(&error))?;
    Ok((Applied::Done, last_position))
}

/// Moves the checkpoints if they stand where this journaler believes; the row locks keep a second journaler out.
async fn advance(connection: &mut PgConnection, batch: &JournalBatch) -> Result<bool, StoreError> {
    let partitions: Vec<i32> = batch
        .advances
        .iter()
        .map(|advance| partition_column(advance.partition))
        .collect();
    let from: Vec<i64> = batch.advances.iter().map(|advance| signed(advance.from)).collect();
    let to: Vec<i64> = batch
        .advances
        .iter()
        .map(|advance| signed(advance.to.next_offset))
        .collect();
    let digests: Vec<String> = batch
        .advances
        .iter()
        .map(|advance| format!("{:032x}", advance.to.digest.0))
        .collect();
    let moved = sqlx::query(
        "update journal.checkpoints c set next_offset = step.next, digest = step.digest, updated_at = now()
         from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::text[]) as step (partition, previous, next, digest)
         where c.partition = step.partition and c.next_offset = step.previous",
    )
    .bind(&partitions)
    .bind(&from)
    .bind(&to)
    .bind(&digests)
    .execute(connection)
    .await
    .map_err(|error| database_error(&error))?;
    Ok(moved.rows_affected() == batch.advances.len() as u64)
}

async fn insert_events(connection: &mut PgConnection, events: &[RecordedEvent], base: u64) -> Result<(), StoreError> {
    let column = |value: fn(&RecordedEvent) -> i64| events.iter().map(value).collect::<Vec<_>>();
    sqlx::query(
        r#"insert into journal.events
               (stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata)
           select e.stream, e.revision, $1 + e.number, e.partition, e."offset", e.index, e.id, e.type, e.time, e.recorded_at,
               e.command, e.data, e.metadata
           from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::uuid[], $8::text[],
               $9::timestamptz[], $10::timestamptz[], $11::uuid[], $12::jsonb[], $13::jsonb[]) with ordinality
               as e (stream, revision, partition, "offset", index, id, type, time, recorded_at, command, data, metadata, number)"#,
    )
    .bind(signed(base))
    .bind(events.iter().map(|event| event.stream.as_str()).collect::<Vec<_>>())
    .bind(column(|event| signed(event.revision)))
    .bind(column(|event| i64::from(event.at.partition)))
    .bind(column(|event| signed(event.at.offset)))
    .bind(column(|event| i64::from(event.at.index)))
    .bind(events.iter().map(|event| event.id.as_uuid()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.time).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.recorded_at).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.metadata.scoped_command()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| Json(&*event.data)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| Json(&event.metadata)).collect::<Vec<_>>())
    .execute(connection)
    .await
    .map_err(|error| database_error(&error))?;
    Ok(())
}

async fn copy_events(connection: &mut PgConnection, events: &[RecordedEvent], base: u64) -> Result<(), StoreError> {
    let mut text = String::with_capacity(events.len() * 900);
    for (event, position) in events.iter().zip(base + 1..) {
        write_row(&mut text, event, position)?;
    }
    let mut copy = connection
        .copy_in_raw(
            r#"copy journal.events (stream, revision, position, partition, "offset", index, id, type, time, recorded_at, command, data, metadata) from stdin"#,
        )
        .await
        .map_err(|error| database_error(&error))?;
    copy.send(text.into_bytes())
        .await
        .map_err(|error| database_error(&error))?;
    copy.finish().await.map_err(|error| database_error(&error))?;
    Ok(())
}

fn write_row(text: &mut String, event: &RecordedEvent, position: u64) -> Result<(), StoreError> {
    let metadata = serde_json::to_string(&event.metadata).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    escape(text, event.stream.as_str());
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "\t{}\t{position}\t{}\t{}\t{}\t{}\t",
        event.revision, event.at.partition, event.at.offset, event.at.index, event.id,
    );
    escape(text, &event.event_type);
    let _ = write!(
        text,
        "\t{}\t{}\t{}\t",
        time_text(event.time),
        time_text(event.recorded_at),
        event.metadata.scoped_command()
    );
    escape(text, event.data.get());
    text.push('\t');
    escape(text, &metadata);
    text.push('\n');
    Ok(())
}

/// COPY's text format: backslash, tab, newline and carriage return are escaped.
fn escape(text: &mut String, value: &str) {
    let mut rest = value;
    while let Some(index) = rest.find(['\\', '\t', '\n', '\r']) {
        let (before, after) = rest.split_at(index);
        text.push_str(before);
        let mut characters = after.chars();
        text.push_str(match characters.next() {
            Some('\t') => "\\t",
            Some('\n') => "\\n",
            Some('\r') => "\\r",
            _ => "\\\\",
        });
        rest = characters.as_str();
    }
    text.push_str(rest);
}

async fn insert_fences(connection: &mut PgConnection, batch: &JournalBatch) -> Result<(), StoreError> {
    for fence in &batch.fences {
        let (stream, category) = match &fence.target {
            FenceTarget::Stream(stream) => (Some(stream.as_str()), None),
            FenceTarget::Category(category) => (None, Some(category.as_str())),
        };
        sqlx::query(r#"insert into journal.fences (partition, "offset", stream, category, recorded_at) values ($1, $2, $3, $4, $5)"#)
            .bind(partition_column(fence.partition))
            .bind(signed(fence.offset))
            .bind(stream)
            .bind(category)
            .bind(fence.recorded_at)
            .execute(&mut *connection)
            .await
            .map_err(|error| database_error(&error))?;
    }
    Ok(())
}
