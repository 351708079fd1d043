//! Reading the journal for an export: one snapshot, one COPY in the order of positions, cut into segments between commits.

use std::sync::Arc;

use event_store::{Cut, LogEpoch};
use futures::TryStreamExt as _;
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::ExportError;
use super::manifest::{ExportedLog, LogIdentity};
use super::row::{self, Row, Rows};
use crate::progress::Meter;

/// Bytes of rows that go from hand to hand.
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait for a writer.
pub(super) const WAITING_BATCHES: usize = 8;
/// Bytes of rows in a segment, which compress to an eighth or so: the bound of its rows when they are large.
const SEGMENT_BYTES: usize = 1 << 30;

/// Which log the journal belongs to, and its last position.
pub(super) async fn head(connection: &mut PgConnection) -> Result<(LogIdentity, u64), ExportError> {
    let (kind, id, epoch, partitions, position): (String, Uuid, Uuid, i32, i64) =
        sqlx::query_as("select log_kind, log_id, epoch, partitions, position from journal.head")
            .fetch_one(connection)
            .await?;
    let (kind, epoch) = match kind.as_str() {
        "postgresql" => (ExportedLog::Postgresql, epoch),
        // The positions of tokens are then offsets of that log, whatever happened to the journal.
        _ => (ExportedLog::Log, id),
    };
    let log = LogIdentity {
        kind,
        id,
        epoch: LogEpoch(epoch),
        partitions: u32::try_from(partitions).unwrap_or_default(),
    };
    Ok((log, u64::try_from(position).unwrap_or_default()))
}

/// Begins a snapshot that sees head, checkpoints and rows as of one moment.
pub(super) async fn snapshot(pool: &PgPool) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, ExportError> {
    let mut transaction = pool.begin().await?;
    sqlx::raw_sql(
        "set transaction isolation level repeatable read, read only; set local standard_conforming_strings = on; set local jit = off",
    )
    .execute(&mut *transaction)
    .await?;
    Ok(transaction)
}

/// How far the journal has taken each partition of a log elsewhere.
pub(super) async fn checkpoints(connection: &mut PgConnection) -> Result<Cut, ExportError> {
    let rows: Vec<(i32, i64)> = sqlx::query_as("select partition, next_offset from journal.checkpoints")
        .fetch_all(connection)
        .await?;
    let number = |(partition, next): (i32, i64)| Some((u32::try_from(partition).ok()?, u64::try_from(next).ok()?));
    Ok(rows.into_iter().filter_map(number).collect())
}

/// What the writers get.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Whole rows.
    Rows(Arc<Vec<u8>>),
    /// The segment is complete.
    End,
}

/// Sends the events after one position up to another to all writers, until one of them has gone.
pub(super) struct Copying<'a> {
    pub(super) after: u64,
    pub(super) through: u64,
    /// Further conditions, each after an `and`.
    pub(super) condition: &'a str,
    /// Most events of a segment.
    pub(super) segment_events: u64,
    pub(super) writers: Vec<mpsc::Sender<Piece>>,
    pub(super) meter: &'a Meter,
}

impl Copying<'_> {
    pub(super) async fn run(self, connection: &mut PgConnection) -> Result<(), ExportError> {
        let sql = format!(
            "copy (select {} from journal.events where position > {} and position <= {}{} order by position) to stdout (format binary)",
            row::COLUMNS,
            self.after,
            self.through,
            self.condition
        );
        let mut stream = connection.copy_out_raw(&sql).await?;
        let mut batch = Vec::with_capacity(BATCH_BYTES + (1 << 16));
        let mut segment = Segment::default();
        let (mut reported, mut unreported) = (self.after, self.after);
        while let Some(chunk) = stream.try_next().await? {
            for row in Rows::of(&chunk) {
                let row = row?;
                if (segment.events >= self.segment_events || segment.bytes >= SEGMENT_BYTES) && !segment.is_within(&row)
                {
                    let rest = std::mem::take(&mut batch);
                    if self.send(Piece::Rows(Arc::new(rest))).await.is_none() || self.send(Piece::End).await.is_none() {
                        return Ok(());
                    }
                    segment = Segment::default();
                }
                segment.note(&row, chunk.len());
                unreported = u64::try_from(row.position).unwrap_or_default();
            }
            batch.extend_from_slice(&chunk);
            if batch.len() >= BATCH_BYTES {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_BYTES + (1 << 16)));
                if self.send(Piece::Rows(Arc::new(full))).await.is_none() {
                    return Ok(());
                }
                self.meter.advance(unreported.saturating_sub(reported));
                reported = unreported;
            }
        }
        if segment.events > 0 && self.send(Piece::Rows(Arc::new(batch))).await.is_some() {
            self.send(Piece::End).await;
        }
        Ok(())
    }

    /// Nothing when a writer has gone, which then says why.
    async fn send(&self, piece: Piece) -> Option<()> {
        for writer in &self.writers {
            writer.send(piece.clone()).await.ok()?;
        }
        Some(())
    }
}

/// The segment under way.
#[derive(Default)]
struct Segment {
    events: u64,
    bytes: usize,
    record: Option<(i32, i64)>,
}

impl Segment {
    /// Is the row of the same record of the log as the one before? A record is never cut in two.
    fn is_within(&self, row: &Row<'_>) -> bool {
        self.record == Some((row.partition, row.offset))
    }

    fn note(&mut self, row: &Row<'_>, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
        self.record = Some((row.partition, row.offset));
    }
}
