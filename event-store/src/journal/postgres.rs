//! The journal in PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::StreamId;
use futures::{Stream, TryStreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row};

use super::rows::{self, EVENT_COLUMNS, database_error, get, signed, unsigned};
use super::{Applied, Checkpoint, Journal, JournalBatch, LoadRequest, Loaded};
use crate::acceptance::Digest;
use crate::codec::FenceTarget;
use crate::error::StoreError;
use crate::event::RecordedEvent;
use crate::position::{Cut, LogEpoch, Position};
use crate::rejection::RecordedRejection;
use crate::store::{Direction, READ_LIMIT, ReadAllOptions, ReadStreamOptions};

mod apply;
mod head;
mod wake;

pub use head::{Head, HeadError, LogKind};
pub(crate) use wake::Wake;

/// How long those who use a connection all the time keep it when there is nothing to do; a pool that is closed waits for it.
pub(crate) const KEEP_CONNECTION: Duration = Duration::from_millis(100);

/// The journal in schema `journal` of one database. Cheap to clone.
#[derive(Clone)]
pub struct PostgresJournal {
    pool: PgPool,
    head: Head,
    wake: Wake,
}

impl PostgresJournal {
    /// Opens the journal of a log, writing its head row when it is new. Refuses a journal of another log.
    ///
    /// The schema must be up to date ([`super::migrate::migrate`]).
    pub async fn open(pool: PgPool, kind: LogKind, log_id: uuid::Uuid, partitions: u32) -> Result<Self, HeadError> {
        let head = head::open(&pool, kind, log_id, partitions).await?;
        let wake = Wake::start(pool.clone());
        Ok(Self { pool, head, wake })
    }

    /// The head row as it was read at opening.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    pub(crate) async fn connection(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        self.pool.acquire().await.map_err(|error| database_error(&error))
    }

    /// A page of the whole log in the order of positions.
    pub(crate) async fn read_all_on(
        connection: &mut PgConnection,
        options: &ReadAllOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let statement =
            format!("select {EVENT_COLUMNS} from journal.events e where e.position > $1 order by e.position limit $2");
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(signed(options.after.0))
            .bind(limit(options.max_count))
            .fetch(connection);
        events(rows).await
    }

    /// The events of these partitions that lie after one position and not after another, in their order.
    pub(crate) async fn read_partitions_on(
        connection: &mut PgConnection,
        partitions: &[i32],
        after: Position,
        through: Position,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let statement = format!(
            "select {EVENT_COLUMNS} from journal.events e \
             where e.position > $1 and e.position <= $2 and e.partition = any ($3) order by e.position"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(signed(after.0))
            .bind(signed(through.0))
            .bind(partitions)
            .fetch(connection);
        events(rows).await
    }

    pub(crate) fn wake(&self) -> &Wake {
        &self.wake
    }

    /// The last global position that was given.
    pub async fn last_position(&self) -> Result<Position, StoreError> {
        Self::last_position_on(&mut *self.connection().await?).await
    }

    pub(crate) async fn last_position_on(connection: &mut PgConnection) -> Result<Position, StoreError> {
        let position: i64 = sqlx::query_scalar("select position from journal.head")
            .fetch_one(connection)
            .await
            .map_err(|error| database_error(&error))?;
        Ok(Position(unsigned(position)?))
    }
}

#[async_trait]
impl Journal for PostgresJournal {
    fn epoch(&self) -> LogEpoch {
        self.head.epoch
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let rows = sqlx::query("select partition, next_offset, digest from journal.checkpoints order by partition")
            .fetch_all(&self.pool)
            .await
            .map_err(|error| database_error(&error))?;
        rows.iter().map(checkpoint).collect()
    }

    async fn load(&self, requests: &[LoadRequest]) -> Result<Vec<Loaded>, StoreError> {
        let streams: Vec<&str> = requests.iter().map(|request| request.stream.as_str()).collect();
        let partitions: Vec<i32> = requests.iter().map(|request| integer(request.partition)).collect();
        let mut after: Vec<i64> = requests
            .iter()
            .map(|request| request.after.map_or(-1, signed))
            .collect();
        let mut loaded: Vec<Loaded> = requests
            .iter()
            .map(|_| Loaded {
                events: Vec::new(),
                rejections: Vec::new(),
                checkpoint: Checkpoint::default(),
            })
            .collect();
        // Long streams come in pages; the checkpoint is that of the first page, the oldest and therefore the safe one.
        let mut first_page = true;
        loop {
            let statement = format!(
                "select {EVENT_COLUMNS}, wanted.number, c.next_offset, c.digest, rejected.rejections
                 from unnest($1::text[], $2::bigint[], $3::integer[]) with ordinality as wanted (stream, after, partition, number)
                 left join journal.checkpoints c on c.partition = wanted.partition
                 cross join lateral (
                     select jsonb_agg(jsonb_build_object('command', r.command, 'commandHash', r.command_hash, 'answer', r.answer))
                         as rejections
                     from journal.rejections r where r.stream = wanted.stream
                 ) as rejected
                 left join lateral (
                     select * from journal.events where events.stream = wanted.stream and events.revision > wanted.after
                     order by events.revision limit {READ_LIMIT}
                 ) e on true
                 order by wanted.number, e.revision"
            );
            let rows = sqlx::query(AssertSqlSafe(statement))
                .bind(&streams)
                .bind(&after)
                .bind(&partitions)
                .fetch_all(&self.pool)
                .await
                .map_err(|error| database_error(&error))?;
            let mut counts = vec![0_usize; requests.len()];
            for row in &rows {
                let number: i64 = get(row, "number")?;
                let index = usize::try_from(number - 1).unwrap_or_default();
                let (Some(target), Some(count)) = (loaded.get_mut(index), counts.get_mut(index)) else {
                    continue;
                };
                if first_page && *count == 0 {
                    if get::<Option<i64>, _>(row, "next_offset")?.is_some() {
                        target.checkpoint = checkpoint(row)?;
                    }
                    let rejections: Option<Json<Vec<RecordedRejection>>> = get(row, "rejections")?;
                    target.rejections = rejections.map(|rejections| rejections.0).unwrap_or_default();
                }
                if get::<Option<i64>, _>(row, "revision")?.is_some() {
                    target.events.push(rows::event(row)?);
                    *count += 1;
                }
            }
            if counts.iter().all(|count| *count < READ_LIMIT) {
                return Ok(loaded);
            }
            first_page = false;
            for ((after, loaded), count) in after.iter_mut().zip(&loaded).zip(&counts) {
                // Streams that are complete must not be read again: no revision lies after the largest.
                *after = if *count == READ_LIMIT {
                    loaded.events.last().map_or(-1, |event| signed(event.revision))
                } else {
                    i64::MAX
                };
            }
        }
    }

    async fn last_covering(
        &self,
        partition: u32,
        target: &FenceTarget,
        before: u64,
    ) -> Result<(Option<u64>, Checkpoint), StoreError> {
        let (stream, category) = match target {
            FenceTarget::Stream(stream) => (Some(stream.as_str()), stream.category()),
            FenceTarget::Category(category) => (None, category.as_str()),
        };
        let row = sqlx::query(
            r#"select c.next_offset, c.digest, greatest(
                   (select max(e."offset") from journal.events e where e.stream = $2 and e."offset" < $4),
                   (select max(f."offset") from journal.fences f where f.stream = $2 and f."offset" < $4),
                   (select max(f."offset") from journal.fences f
                    where f.category = $3 and f.partition = $1 and f."offset" < $4)
               ) as covering
               from journal.checkpoints c where c.partition = $1"#,
        )
        .bind(integer(partition))
        // Without a stream nothing is equal to it.
        .bind(stream)
        .bind(category)
        .bind(signed(before))
        .fetch_one(&self.pool)
        .await
        .map_err(|error| database_error(&error))?;
        let covering: Option<i64> = get(&row, "covering")?;
        Ok((covering.map(unsigned).transpose()?, checkpoint(&row)?))
    }

    async fn apply(&self, batch: &JournalBatch) -> Result<Applied, StoreError> {
        let (applied, position) = apply::apply(&self.pool, batch).await?;
        if let Some(position) = position {
            self.wake.moved_to(position);
        }
        Ok(applied)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let (comparison, order, start) = match options.direction {
            Direction::Forwards => (">=", "asc", options.from.map_or(0, signed)),
            Direction::Backwards => ("<=", "desc", options.from.map_or(i64::MAX, signed)),
        };
        let statement = format!(
            "select {EVENT_COLUMNS} from journal.events e where e.stream = $1 and e.revision {comparison} $2
             order by e.revision {order} limit $3"
        );
        let rows = sqlx::query(AssertSqlSafe(statement))
            .bind(stream.as_str())
            .bind(start)
            .bind(limit(options.max_count))
            .fetch_all(&self.pool)
            .await
            .map_err(|error| database_error(&error))?;
        rows.iter().map(rows::event).collect()
    }

    async fn read_all(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, StoreError> {
        Self::read_all_on(&mut *self.connection().await?, options).await
    }

    async fn first_recorded_after(&self, cut: &Cut) -> Result<Option<DateTime<Utc>>, StoreError> {
        let place = |partition| (integer(partition), signed(cut.next(partition)));
        let (partitions, offsets): (Vec<i32>, Vec<i64>) = (0..self.head.partitions).map(place).unzip();
        sqlx::query_scalar(
            r#"select min(uncovered.recorded_at)
               from unnest($1::integer[], $2::bigint[]) as cut (partition, next)
               cross join lateral (
                   select e.recorded_at from journal.events e
                   where e.partition = cut.partition and e."offset" >= cut.next order by e."offset" limit 1
               ) as uncovered"#,
        )
        .bind(partitions)
        .bind(offsets)
        .fetch_one(&self.pool)
        .await
        .map_err(|error| database_error(&error))
    }

    async fn wait_after(&self, position: Position) -> Result<(), StoreError> {
        self.wake.wait_after(position.0).await;
        Ok(())
    }

    async fn wait_moved(&self) {
        // Another process may be the journaler: its notification can be late, so look again soon.
        let _ = tokio::time::timeout(Duration::from_millis(10), self.wake.changed()).await;
    }
}

/// Reads rows while the server still makes them, so that one does not wait for the other.
async fn events(
    mut rows: impl Stream<Item = Result<sqlx::postgres::PgRow, sqlx::Error>> + Unpin,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut events = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(|error| database_error(&error))? {
        events.push(rows::event(&row)?);
    }
    Ok(events)
}

fn checkpoint(row: &sqlx::postgres::PgRow) -> Result<Checkpoint, StoreError> {
    let digest: &str = get(row, "digest")?;
    let digest = u128::from_str_radix(digest, 16).map_err(|error| StoreError::Corrupt(format!("digest: {error}")))?;
    Ok(Checkpoint {
        next_offset: unsigned(row.try_get("next_offset").map_err(|error| database_error(&error))?)?,
        digest: Digest(digest),
    })
}

/// A partition, or a place in a commit, as a column of type integer holds it.
pub(crate) fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn limit(max_count: usize) -> i64 {
    i64::try_from(max_count.min(READ_LIMIT)).unwrap_or(i64::MAX)
}
