//! What answers of queries are read from: the serving generation, in one snapshot with its checkpoint.

use std::time::Duration;

use chrono::{DateTime, Utc};
use event_store::{Cut, LogEpoch};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::time::Instant;
use uuid::Uuid;

use crate::handle::{ProjectorHandle, ProjectorState};
use crate::transaction;

mod degraded;

pub use degraded::DegradedStreams;

/// Pauses between looks at the checkpoint of a projector in another process.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);
/// A projector in this process says when it moved; this only guards against a change of the serving generation.
const WATCH_PAUSE: Duration = Duration::from_millis(250);

/// Begins a transaction that may read tables of generations. Whoever exchanges a table of the serving generation waits for those that read, and
/// they for it: the lock comes before the snapshot, so no snapshot is older than the tables that its names mean.
pub const BEGIN_SNAPSHOT: &str =
    "begin isolation level repeatable read read only; lock table control.serving in access share mode";

/// The same where what is read is copied into tables of one's own.
pub(crate) const BEGIN_COPY: &str =
    "begin isolation level repeatable read; lock table control.serving in access share mode";

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No generation serves: no projector has started yet.
    #[error("no generation of the read models serves yet")]
    NothingServes,
    /// No generation of time travel has this name, or its time is over.
    #[error("there is no generation {name} to be asked, or it has expired")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// It has not come to its cut yet.
    #[error("generation {name} is still being built")]
    Building {
        /// What was asked for.
        name: String,
    },
    /// The database refused or is away.
    #[error("the database of the read models failed")]
    Database(#[from] sqlx::Error),
}

/// Begins snapshots of whichever generation serves. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ServingReader {
    pool: PgPool,
    projector: Option<ProjectorHandle>,
}

/// A read-only transaction that sees rows and checkpoint of one moment.
#[derive(Debug)]
pub struct ReadSnapshot {
    transaction: Transaction<'static, Postgres>,
    served: Serving,
    travel: Option<HeldTravel>,
}

/// What else is known of a generation that was asked for by its name: it does not move, and may lack read models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldTravel {
    /// Its name.
    pub name: String,
    /// Is it a variant of the log, and not the log?
    pub is_branch: bool,
    /// The names of its read models.
    pub models: Vec<String>,
    /// Until when it is kept.
    pub expires_at: DateTime<Utc>,
}

/// The serving generation.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Its number.
    pub id: i32,
    /// The schema of its tables.
    pub schema: String,
    /// What filled it.
    pub fingerprint: String,
    /// The history that its cut belongs to.
    pub epoch: LogEpoch,
    /// What its rows cover.
    pub cut: Cut,
    /// When the log took the newest event that the rows cover; none before the first.
    pub recorded_at: Option<DateTime<Utc>>,
    /// Streams whose rows lack something.
    pub degraded: DegradedStreams,
}

impl ServingReader {
    /// A reader; the handle of a projector in the same process spares waits their polling.
    pub fn new(pool: PgPool, projector: Option<ProjectorHandle>) -> Self {
        Self { pool, projector }
    }

    /// Begins a snapshot.
    pub async fn begin(&self) -> Result<ReadSnapshot, ReadError> {
        let mut transaction = transaction::begin_with(&self.pool, BEGIN_SNAPSHOT).await?;
        let served = serving(&mut transaction).await?;
        Ok(ReadSnapshot {
            transaction,
            served,
            travel: None,
        })
    }

    /// Begins a snapshot of a generation of time travel, by its name or that of its schema.
    pub async fn begin_travel(&self, name: &str) -> Result<ReadSnapshot, ReadError> {
        let mut transaction =
            transaction::begin_with(&self.pool, "begin isolation level repeatable read read only").await?;
        let (served, travel) = held(&mut transaction, name).await?;
        Ok(ReadSnapshot {
            transaction,
            served,
            travel: Some(travel),
        })
    }

    /// Waits until the serving generation covers the cut; `false` when the time was over first. A snapshot begun afterwards should
    /// still be asked: another generation may serve by then.
    pub async fn wait_until(&self, cut: &Cut, timeout: Duration) -> Result<bool, ReadError> {
        let deadline = Instant::now() + timeout;
        let mut pause = FIRST_PAUSE;
        loop {
            let served = match self.served().await {
                Ok(served) if served.cut.covers(cut) => return Ok(true),
                Ok(served) => Some(served),
                Err(ReadError::NothingServes) => None,
                Err(error) => return Err(error),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            if !self.watched(served.as_ref(), cut, left.min(WATCH_PAUSE)).await {
                tokio::time::sleep(pause.min(left)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Waits for the projector of this process; `false` when it cannot tell about what serves.
    async fn watched(&self, served: Option<&Serving>, cut: &Cut, at_most: Duration) -> bool {
        let (Some(projector), Some(served)) = (&self.projector, served) else {
            return false;
        };
        let mut progress = projector.watch();
        let tells = |progress: &crate::handle::GenerationProgress| {
            progress.state == ProjectorState::Following
                && progress.schema.as_deref() == Some(served.schema.as_str())
                && cut.iter().all(|(partition, next)| {
                    // Elsewhere it may be written by another process, of which this one hears late.
                    progress.held.contains(&partition) || progress.cut.next(partition) >= next
                })
        };
        if !tells(&progress.borrow()) {
            return false;
        }
        let changed = progress.wait_for(|progress| progress.cut.covers(cut) || !tells(progress));
        // Late or gone, the checkpoint itself is looked at next.
        let _looked_at_next = tokio::time::timeout(at_most, changed).await;
        true
    }

    async fn served(&self) -> Result<Serving, ReadError> {
        serving(&mut *self.pool.acquire().await?).await
    }
}

impl ReadSnapshot {
    /// The schema whose tables are to be read, to be written before their names.
    pub fn schema(&self) -> &str {
        &self.served.schema
    }

    /// What the rows cover.
    pub fn cut(&self) -> &Cut {
        &self.served.cut
    }

    /// The history that the cut belongs to.
    pub fn epoch(&self) -> LogEpoch {
        self.served.epoch
    }

    /// When the log took the newest event that the rows cover; none before the first.
    pub fn recorded_at(&self) -> Option<DateTime<Utc>> {
        self.served.recorded_at
    }

    /// Streams whose rows lack something.
    pub fn degraded(&self) -> &DegradedStreams {
        &self.served.degraded
    }

    /// What is special about the generation, when it was asked for by its name.
    pub fn travel(&self) -> Option<&HeldTravel> {
        self.travel.as_ref()
    }

    /// The connection to read with.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Ends the snapshot and returns its connection; dropping it does so too, later.
    pub async fn close(self) -> Result<(), ReadError> {
        Ok(self.transaction.rollback().await?)
    }
}

/// Serving row, generation, checkpoints and what is parked in one statement, so that they are of one moment.
pub async fn serving(connection: &mut PgConnection) -> Result<Serving, ReadError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i32,
        schema_name: String,
        fingerprint: String,
        epoch: Uuid,
        partitions: Vec<i32>,
        offsets: Vec<i64>,
        recorded_at: Option<DateTime<Utc>>,
        parked: Vec<String>,
        parked_partitions: Vec<i32>,
        parked_offsets: Vec<i64>,
        lacking: Vec<String>,
    }
    let row: Option<Row> = sqlx::query_as(
        "select generation.id, generation.schema_name, generation.fingerprint, generation.epoch, \
                array_agg(checkpoint.partition) as partitions, array_agg(checkpoint.next_offset) as offsets, \
                max(checkpoint.recorded_at) as recorded_at, \
                array(select stream from control.parked_stream as p where p.generation = generation.id order by stream) as parked, \
                array(select partition from control.parked_stream as p where p.generation = generation.id order by stream) as parked_partitions, \
                array(select record_offset from control.parked_stream as p where p.generation = generation.id order by stream) as parked_offsets, \
                array(select distinct stream from control.discarded_event as d where d.generation = generation.id) as lacking \
         from control.serving \
         join control.generation on generation.id = serving.generation \
         join control.checkpoint on checkpoint.generation = generation.id \
         group by generation.id",
    )
    .fetch_optional(connection)
    .await?;
    let row = row.ok_or(ReadError::NothingServes)?;
    let partitions = row.partitions.into_iter().map(i32::cast_unsigned);
    let cut = partitions
        .zip(row.offsets.into_iter().map(i64::cast_unsigned))
        .collect();
    let places = row.parked_partitions.into_iter().map(i32::cast_unsigned);
    let places = places.zip(row.parked_offsets.into_iter().map(i64::cast_unsigned));
    let parked = row.parked.into_iter().zip(places);
    let degraded = DegradedStreams::new(
        parked.map(|(stream, (partition, offset))| (stream, partition, offset)),
        row.lacking,
    );
    Ok(Serving {
        id: row.id,
        schema: row.schema_name,
        fingerprint: row.fingerprint,
        epoch: LogEpoch(row.epoch),
        cut,
        recorded_at: row.recorded_at,
        degraded,
    })
}

/// A generation of time travel that is complete and has not expired, with its checkpoints.
async fn held(connection: &mut PgConnection, name: &str) -> Result<(Serving, HeldTravel), ReadError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: i32,
        schema_name: String,
        fingerprint: String,
        epoch: Uuid,
        partitions: Vec<i32>,
        offsets: Vec<i64>,
        recorded_at: Option<DateTime<Utc>>,
        name: String,
        purpose: String,
        models: Vec<String>,
        complete: bool,
        expires_at: DateTime<Utc>,
    }
    let row: Option<Row> = sqlx::query_as(
        "select generation.id, schema_name, fingerprint, epoch, array_agg(partition) as partitions, array_agg(next_offset) as offsets, \
                max(checkpoint.recorded_at) as recorded_at, name, purpose, \
                array(select model.value ->> 'name' from jsonb_array_elements(models) as model (value)) as models, \
                complete_at is not null as complete, expires_at \
         from control.travel \
         join control.generation on generation.id = travel.generation \
         join control.checkpoint on checkpoint.generation = generation.id \
         where (travel.name = $1 or generation.schema_name = $1) and expires_at > now() \
         group by generation.id, travel.generation",
    )
    .bind(name)
    .fetch_optional(&mut *connection)
    .await?;
    let name = name.to_owned();
    let row = row.ok_or_else(|| ReadError::Unknown { name: name.clone() })?;
    if !row.complete {
        return Err(ReadError::Building { name });
    }
    let partitions = row.partitions.into_iter().map(i32::cast_unsigned);
    let served = Serving {
        id: row.id,
        schema: row.schema_name,
        fingerprint: row.fingerprint,
        epoch: LogEpoch(row.epoch),
        cut: partitions
            .zip(row.offsets.into_iter().map(i64::cast_unsigned))
            .collect(),
        recorded_at: row.recorded_at,
        // What fits nowhere in a branch is told by its maker.
        degraded: DegradedStreams::of(connection, row.id).await?,
    };
    let travel = HeldTravel {
        name: row.name,
        is_branch: row.purpose == "branch",
        models: row.models,
        expires_at: row.expires_at,
    };
    Ok((served, travel))
}
