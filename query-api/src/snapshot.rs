//! One snapshot for each operation: all its fields see the same rows, and the answer can say how far they go.

use std::time::Duration;

use async_graphql::Context;
use domain::StreamId;
use event_store::{Cut, LogEpoch, PositionToken};
use projections::read::{HeldTravel, ReadError, ReadSnapshot, ServingReader};
use sqlx::PgConnection;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};
use tokio::time::Instant;

use crate::error::QueryError;
use crate::live::{Interests, Reads};

/// How long an answer that reads the journal waits for it when the client names no time.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at the journal.
const JOURNAL_PAUSE: Duration = Duration::from_millis(5);

/// Where snapshots come from.
#[derive(Debug, Clone)]
pub struct SnapshotSource {
    /// Finds the generation.
    pub reader: ServingReader,
    /// Longest single statement.
    pub statement_timeout: Duration,
}

/// What to do when the wanted position is not reached in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnTimeout {
    /// Answer with an error.
    #[default]
    Error,
    /// Answer with the rows there are, marked as stale.
    Stale,
}

/// How long to wait for a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patience {
    /// How long.
    pub within: Duration,
    /// And then?
    pub on_timeout: OnTimeout,
}

/// The position that an answer must cover, and how long to wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// From the answer to a command, or to an earlier query.
    pub after: PositionToken,
    /// How long to wait.
    pub patience: Patience,
}

/// The snapshot of an operation that has begun: a read-only transaction on the generation that serves.
pub struct OpenSnapshot {
    inner: ReadSnapshot,
    stale: bool,
    interests: Interests,
}

impl OpenSnapshot {
    fn new(inner: ReadSnapshot) -> Self {
        Self {
            inner,
            stale: false,
            interests: Interests::default(),
        }
    }

    /// Notes what is read without the tables of a generation.
    pub(crate) fn note(&mut self, reads: Reads<'_>) {
        self.interests.note(reads);
    }

    /// The PostgreSQL schema of the generation; a plain identifier of ours, never a client's text. Refused where the generation has none of
    /// the tables of these read models. `reads` is noted, for operations that stand.
    pub(crate) fn schema_with(&mut self, models: &[&'static str], reads: Reads<'_>) -> Result<&str, QueryError> {
        self.interests.note(reads);
        if let Some(travel) = self.inner.travel() {
            let absent = |model: &&&'static str| !travel.models.iter().any(|there| there == **model);
            if let Some(model) = models.iter().find(absent) {
                return Err(QueryError::ModelAbsent { model });
            }
        }
        Ok(self.inner.schema())
    }

    /// Everything below it is in the rows.
    pub fn cut(&self) -> &Cut {
        self.inner.cut()
    }

    /// The transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        self.inner.connection()
    }

    /// Do the rows of the stream lack something that the log holds?
    pub fn is_degraded(&self, stream: &StreamId) -> bool {
        self.inner.degraded().holds(stream)
    }

    pub(crate) fn epoch(&self) -> LogEpoch {
        self.inner.epoch()
    }

    async fn limit_statements(&mut self, timeout: Duration) -> Result<(), QueryError> {
        sqlx::query("SELECT set_config('statement_timeout', $1, true)")
            .bind(timeout.as_millis().to_string())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Has the journal everything that is in the rows? Always, where it is the log.
    async fn journal_reaches_cut(&mut self) -> Result<bool, QueryError> {
        let to_signed = |(partition, next): (u32, u64)| (partition.cast_signed(), next.cast_signed());
        let (partitions, offsets): (Vec<i32>, Vec<i64>) = self.cut().iter().map(to_signed).unzip();
        let reaches = sqlx::query_scalar(
            "SELECT NOT EXISTS (
                 SELECT FROM journal.head h, journal.checkpoints c
                 JOIN unnest($1::integer[], $2::bigint[]) AS cut (partition, next) ON cut.partition = c.partition
                 WHERE h.log_kind = 'log' AND c.next_offset < cut.next
             )",
        )
        .bind(partitions)
        .bind(offsets)
        .fetch_one(self.connection())
        .await?;
        Ok(reaches)
    }
}

/// What an answer says about the rows it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerPosition {
    /// The cut, for `after` of a later query.
    pub token: PositionToken,
    /// The generation's schema.
    pub generation: String,
    /// The wanted position was not reached.
    pub stale: bool,
    /// Streams of the generation that stand still before an event that cannot be projected.
    pub parked_streams: usize,
    /// Of a generation that was asked for by its name.
    pub travel: Option<HeldTravel>,
}

/// Where an operation keeps its snapshot. Fields take turns, since a transaction is one connection.
pub struct SnapshotSlot {
    state: Mutex<Option<OpenSnapshot>>,
}

impl SnapshotSlot {
    /// Without a snapshot, for operations that read no rows.
    pub fn empty() -> Self {
        Self {
            state: Mutex::new(None),
        }
    }

    /// The slot of this operation.
    pub(crate) fn of<'c>(context: &Context<'c>) -> &'c Self {
        context.data_unchecked::<std::sync::Arc<Self>>()
    }

    /// The snapshot; other fields wait until it is given back.
    pub(crate) async fn open(&self) -> Result<MappedMutexGuard<'_, OpenSnapshot>, QueryError> {
        MutexGuard::try_map(self.state.lock().await, Option::as_mut).map_err(|_| QueryError::Unavailable(None))
    }

    /// Waits for the position if there is one to wait for, begins the snapshot, and proves there that it covers it.
    pub(crate) async fn begin(
        &self,
        source: &SnapshotSource,
        freshness: Option<&Freshness>,
        reads_journal: bool,
    ) -> Result<(), QueryError> {
        let reader = &source.reader;
        let started = Instant::now();
        let deadline = started + freshness.map_or(Duration::ZERO, |freshness| freshness.patience.within);
        let journal_deadline = deadline.max(started + JOURNAL_PATIENCE);
        loop {
            let inner = match (reader.begin().await, freshness) {
                // What is waited for may be the first generation.
                (Err(ReadError::NothingServes), Some(freshness)) if Instant::now() < deadline => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    reader.wait_until(&freshness.after.cut, left).await?;
                    continue;
                }
                (begun, _) => begun?,
            };
            let mut snapshot = OpenSnapshot::new(inner);
            if let Some(freshness) = freshness {
                if freshness.after.epoch != snapshot.epoch() {
                    snapshot.inner.close().await?;
                    return Err(QueryError::TokenOfAnotherLog);
                }
                if !snapshot.cut().covers(&freshness.after.cut) {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if !left.is_zero() {
                        snapshot.inner.close().await?;
                        // Late or not, the next snapshot decides.
                        reader.wait_until(&freshness.after.cut, left).await?;
                        continue;
                    }
                    if freshness.patience.on_timeout == OnTimeout::Error {
                        snapshot.inner.close().await?;
                        let within_ms = u64::try_from(freshness.patience.within.as_millis()).unwrap_or(u64::MAX);
                        return Err(QueryError::FreshnessTimeout { within_ms });
                    }
                    snapshot.stale = true;
                }
            }
            if let Some(freshness) = freshness
                && let Some(stream) = &freshness.after.stream
                && snapshot.inner.degraded().stands_before(stream, &freshness.after.cut)
            {
                if freshness.patience.on_timeout == OnTimeout::Error {
                    snapshot.inner.close().await?;
                    return Err(QueryError::Parked);
                }
                snapshot.stale = true;
            }
            if reads_journal && !snapshot.journal_reaches_cut().await? {
                // On a log of its own the journal is another reader of it and may be a moment behind the rows.
                if Instant::now() < journal_deadline {
                    snapshot.inner.close().await?;
                    tokio::time::sleep(JOURNAL_PAUSE).await;
                    continue;
                }
                snapshot.stale = true;
            }
            snapshot.limit_statements(source.statement_timeout).await?;
            *self.state.lock().await = Some(snapshot);
            return Ok(());
        }
    }

    /// Begins the snapshot of a generation that was asked for by its name. It does not move, so nothing is waited for.
    pub(crate) async fn begin_travel(
        &self,
        source: &SnapshotSource,
        name: &str,
        freshness: Option<&Freshness>,
        reads_journal: bool,
    ) -> Result<(), QueryError> {
        let inner = source.reader.begin_travel(name).await?;
        let mut snapshot = OpenSnapshot::new(inner);
        if reads_journal && snapshot.inner.travel().is_some_and(|travel| travel.is_branch) {
            return Err(QueryError::NoHistoryOfBranch);
        }
        if let Some(freshness) = freshness {
            if freshness.after.epoch != snapshot.epoch() {
                return Err(QueryError::TokenOfAnotherLog);
            }
            snapshot.stale = !snapshot.cut().covers(&freshness.after.cut);
            if snapshot.stale && freshness.patience.on_timeout == OnTimeout::Error {
                return Err(QueryError::BeyondGeneration);
            }
        }
        snapshot.limit_statements(source.statement_timeout).await?;
        *self.state.lock().await = Some(snapshot);
        Ok(())
    }

    /// Ends the snapshot and says where it was and what was read; none when the operation read no rows.
    pub(crate) async fn finish(&self) -> Option<(AnswerPosition, Interests)> {
        let snapshot = self.state.lock().await.take()?;
        let position = AnswerPosition {
            token: PositionToken {
                epoch: snapshot.epoch(),
                cut: snapshot.cut().clone(),
                stream: None,
            },
            generation: snapshot.inner.schema().to_owned(),
            stale: snapshot.stale,
            parked_streams: snapshot.inner.degraded().parked(),
            travel: snapshot.inner.travel().cloned(),
        };
        // The rows are read; a connection that breaks now harms nobody.
        if let Err(error) = snapshot.inner.close().await {
            tracing::debug!(%error, "snapshot did not end cleanly");
        }
        Some((position, snapshot.interests))
    }
}
