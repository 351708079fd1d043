//! Taking a piece of the log into the journal: checkpoints compared, events copied, positions given, in one transaction.

use std::collections::HashMap;
use std::fmt::Write as _;

use domain::StreamId;
use sqlx::error::DatabaseError;
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection, PgPool};

use super::super::rows::{ELSEWHERE, HOLE, database_error, signed, unsigned};
use super::super::{Applied, FenceRow, JournalBatch};
use super::integer;
use crate::codec::{FenceTarget, time_text};
use crate::error::StoreError;
use crate::event::RecordedEvent;

/// From how many events on COPY is the faster way. Below, its two messages cost a delayed acknowledgement of TCP (40 ms),
/// since the driver leaves Nagle's algorithm on.
const COPY_FROM: usize = 200;

/// Returns the last position given, when events were written.
///
/// A piece that would leave a hole in a stream, or give it a revision twice, is refused with [`StoreError::Halted`]: it was accepted by the
/// rule, so the log that it comes from is not the one that the journal was made of.
pub(super) async fn apply(pool: &PgPool, batch: &JournalBatch) -> Result<(Applied, Option<u64>), StoreError> {
    let expected = expected(&batch.events)?;
    let few = (1..COPY_FROM).contains(&batch.events.len());
    let mut connection = pool.acquire().await.map_err(|error| database_error(&error))?;
    if few && batch.fences.is_empty() {
        return take(&mut connection, batch, &expected).await;
    }
    let mut transaction = connection.begin().await.map_err(|error| database_error(&error))?;
    let (applied, last_position) = if few {
        take(&mut transaction, batch, &expected).await?
    } else {
        copy(&mut transaction, batch, &expected).await?
    };
    if applied == Applied::Done {
        insert_fences(&mut transaction, batch).await?;
        transaction.commit().await.map_err(|error| database_error(&error))?;
    }
    Ok((applied, last_position))
}

/// A large piece, or one without events.
async fn copy(
    connection: &mut PgConnection,
    batch: &JournalBatch,
    expected: &[Option<i64>],
) -> Result<(Applied, Option<u64>), StoreError> {
    if !advance(connection, batch).await? {
        return Ok((Applied::Moved, None));
    }
    if batch.events.is_empty() {
        return Ok((Applied::Done, None));
    }
    if let Some(hole) = find_hole(connection, batch, expected).await? {
        return Err(hole);
    }
    let base: i64 = sqlx::query_scalar("update journal.head set position = position + $1 returning position - $1")
        .bind(signed(batch.events.len() as u64))
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| database_error(&error))?;
    let base = unsigned(base)?;
    copy_events(connection, batch, base).await?;
    Ok((Applied::Done, Some(base + batch.events.len() as u64)))
}

/// For the first event of each stream in the piece the revision before it, which must be in the journal; none for the others, and where a
/// stream begins. Within the piece revisions must go on.
fn expected(events: &[RecordedEvent]) -> Result<Vec<Option<i64>>, StoreError> {
    let mut last: HashMap<&StreamId, u64> = HashMap::new();
    let check = |event: &RecordedEvent, before: Option<u64>| match before {
        Some(before) if before + 1 != event.revision => Err(harmed(
            event,
            &format!("revision {} follows revision {before}", event.revision),
        )),
        Some(_) => Ok(None),
        None => Ok(event.revision.checked_sub(1).map(signed)),
    };
    events
        .iter()
        .map(|event| check(event, last.insert(&event.stream, event.revision)))
        .collect()
}

/// The first event whose stream has not come to the revision before it.
async fn find_hole(
    connection: &mut PgConnection,
    batch: &JournalBatch,
    expected: &[Option<i64>],
) -> Result<Option<StoreError>, StoreError> {
    let streams: Vec<_> = batch.events.iter().map(|event| event.stream.as_str()).collect();
    let place: Option<i64> = sqlx::query_scalar("select journal.first_hole($1, $2)")
        .bind(&streams)
        .bind(expected)
        .fetch_one(connection)
        .await
        .map_err(|error| database_error(&error))?;
    Ok(place.and_then(|place| hole_at(batch, place)))
}

fn hole_at(batch: &JournalBatch, place: i64) -> Option<StoreError> {
    let event = batch.events.get(usize::try_from(place - 1).ok()?)?;
    let what = format!("the journal has no revision before revision {}", event.revision);
    Some(harmed(event, &what))
}

/// A key that is taken belongs to other history; everything else may pass.
fn write_error(error: &sqlx::Error, batch: &JournalBatch) -> StoreError {
    let taken = error
        .as_database_error()
        .is_some_and(DatabaseError::is_unique_violation);
    match batch.events.first().filter(|_| taken) {
        Some(first) => harmed(first, "this event or one soon after it has a place that is taken"),
        None => database_error(error),
    }
}

fn harmed(event: &RecordedEvent, what: &str) -> StoreError {
    StoreError::Halted {
        partition: event.at.partition,
        offset: event.at.offset,
        reason: format!(
            "of stream {}, {what}: the log is not the one that the journal was made of; compare both with their backups",
            event.stream
        ),
    }
}

/// The columns of a move of checkpoints.
struct Steps {
    partition: Vec<i32>,
    from: Vec<i64>,
    to: Vec<i64>,
    digest: Vec<String>,
}

impl Steps {
    fn of(batch: &JournalBatch) -> Self {
        let advances = || batch.advances.iter();
        Self {
            partition: advances().map(|step| integer(step.partition)).collect(),
            from: advances().map(|step| signed(step.from)).collect(),
            to: advances().map(|step| signed(step.to.next_offset)).collect(),
            digest: advances().map(|step| format!("{:032x}", step.to.digest.0)).collect(),
        }
    }
}

/// Moves the checkpoints if they stand where this journaler believes; the row locks keep a second journaler out.
async fn advance(connection: &mut PgConnection, batch: &JournalBatch) -> Result<bool, StoreError> {
    let steps = Steps::of(batch);
    let moved = sqlx::query(
        "update journal.checkpoints c set next_offset = step.next, digest = step.digest, updated_at = now()
         from unnest($1::integer[], $2::bigint[], $3::bigint[], $4::text[]) as step (partition, previous, next, digest)
         where c.partition = step.partition and c.next_offset = step.previous",
    )
    .bind(&steps.partition)
    .bind(&steps.from)
    .bind(&steps.to)
    .bind(&steps.digest)
    .execute(connection)
    .await
    .map_err(|error| database_error(&error))?;
    Ok(moved.rows_affected() == batch.advances.len() as u64)
}

/// A small piece in one statement: while commands come one by one, round trips are what the journal costs. Checkpoints that stand elsewhere
/// make it fail as a whole.
async fn take(
    connection: &mut PgConnection,
    batch: &JournalBatch,
    expected: &[Option<i64>],
) -> Result<(Applied, Option<u64>), StoreError> {
    let steps = Steps::of(batch);
    let events = &batch.events;
    let last: Result<i64, sqlx::Error> = sqlx::query_scalar(
        "select journal.take($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(&steps.partition)
    .bind(&steps.from)
    .bind(&steps.to)
    .bind(&steps.digest)
    .bind(events.iter().map(|event| event.stream.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| signed(event.revision)).collect::<Vec<_>>())
    .bind(expected)
    .bind(
        events
            .iter()
            .map(|event| integer(event.at.partition))
            .collect::<Vec<_>>(),
    )
    .bind(events.iter().map(|event| signed(event.at.offset)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| integer(event.at.index)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.id.as_uuid()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.event_type.as_str()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.time).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.recorded_at).collect::<Vec<_>>())
    .bind(
        events
            .iter()
            .map(|event| event.metadata.scoped_command())
            .collect::<Vec<_>>(),
    )
    .bind(events.iter().map(|event| Json(&*event.data)).collect::<Vec<_>>())
    .bind(events.iter().map(|event| Json(&event.metadata)).collect::<Vec<_>>())
    .fetch_one(&mut *connection)
    .await;
    let error = match last {
        Ok(last) => return Ok((Applied::Done, Some(unsigned(last)?))),
        Err(error) => error,
    };
    let database = error.as_database_error();
    match database.and_then(DatabaseError::code).as_deref() {
        Some(ELSEWHERE) => Ok((Applied::Moved, None)),
        Some(HOLE) => {
            let place = database.and_then(|hole| hole.message().parse().ok());
            Err(place
                .and_then(|place| hole_at(batch, place))
                .unwrap_or_else(|| database_error(&error)))
        }
        _ => Err(write_error(&error, batch)),
    }
}

async fn copy_events(connection: &mut PgConnection, batch: &JournalBatch, base: u64) -> Result<(), StoreError> {
    let events = &batch.events;
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
    copy.finish().await.map_err(|error| write_error(&error, batch))?;
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
            .bind(integer(fence.partition))
            .bind(signed(fence.offset))
            .bind(stream)
            .bind(category)
            .bind(fence.recorded_at)
            .execute(&mut *connection)
            .await
            .map_err(|error| database_error(&error))?;
        if let FenceTarget::Stream(stream) = &fence.target {
            insert_rejections(connection, fence, stream).await?;
        }
    }
    Ok(())
}

/// The first answer to a command stays: it is final.
async fn insert_rejections(
    connection: &mut PgConnection,
    fence: &FenceRow,
    stream: &StreamId,
) -> Result<(), StoreError> {
    for rejection in &fence.rejections {
        sqlx::query(
            r#"insert into journal.rejections (stream, command, command_hash, answer, partition, "offset", recorded_at)
               values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing"#,
        )
        .bind(stream.as_str())
        .bind(rejection.command)
        .bind(format!("{:032x}", rejection.command_hash))
        .bind(&rejection.answer)
        .bind(integer(fence.partition))
        .bind(signed(fence.offset))
        .bind(fence.recorded_at)
        .execute(&mut *connection)
        .await
        .map_err(|error| database_error(&error))?;
    }
    Ok(())
}
