//! The journal in one snapshot: its head, its checkpoints, and its rows by partition in the order of the log.
//!
//! [`compare`] holds it against the accepted log, [`own`] checks it where it is the log. Rows come in pages, so memory does not grow
//! with the journal.

pub(super) mod compare;
pub(super) mod own;
mod positions;
mod rejections;
mod rows;

use event_store::LogEpoch;
use event_store::acceptance::Digest;
use event_store::journal::Checkpoint;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::error::VerifyError;
use super::finding::Findings;

/// One moment of the database.
pub(super) struct Snapshot {
    transaction: Transaction<'static, Postgres>,
    pub(super) head: Head,
}

/// The head row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Head {
    log_kind: String,
    pub(super) log_id: Uuid,
    epoch: Uuid,
    partitions: i32,
    position: i64,
}

impl Head {
    /// The history, where the journal is the log.
    pub(super) fn epoch(&self) -> LogEpoch {
        LogEpoch(self.epoch)
    }

    /// The next offset of every partition, where the journal is the log.
    pub(super) fn end(&self) -> u64 {
        rows::unsigned(self.position) + 1
    }

    pub(super) fn partitions(&self) -> u32 {
        u32::try_from(self.partitions).unwrap_or(0)
    }
}

/// What the journal should be to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The log itself.
    Own,
    /// The index of a log elsewhere.
    Index,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Own => "postgresql",
            Self::Index => "log",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Own => "postgresql",
            Self::Index => "kafka",
        }
    }
}

impl Snapshot {
    /// Everything that is read later is of this moment. Reads only, and may be open for long.
    pub(super) async fn begin(pool: &PgPool, kind: Kind) -> Result<Self, VerifyError> {
        let mut transaction = pool
            .begin_with("begin isolation level repeatable read read only")
            .await?;
        // Texts of rows are compared, so they must not depend on settings; and the log is read while this waits.
        sqlx::raw_sql(
            "set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1; \
             set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0",
        )
        .execute(&mut *transaction)
        .await?;
        let wrong = |found: &str| VerifyError::WrongJournal {
            found: found.to_owned(),
            wanted: kind.setting(),
        };
        let made: bool = sqlx::query_scalar("select to_regclass('journal.head') is not null")
            .fetch_one(&mut *transaction)
            .await?;
        if !made {
            return Err(wrong("no journal"));
        }
        let head: Option<Head> =
            sqlx::query_as("select log_kind, log_id, epoch, partitions, position from journal.head")
                .fetch_optional(&mut *transaction)
                .await?;
        let head = head.ok_or_else(|| wrong("an empty journal that no node has opened"))?;
        if head.log_kind != kind.as_str() {
            return Err(wrong(if kind == Kind::Index {
                "a log itself (log.kind = \"postgresql\")"
            } else {
                "the journal of a log on Kafka"
            }));
        }
        Ok(Self { transaction, head })
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// The checkpoint of each partition; the start where there is none.
    pub(super) async fn checkpoints(&mut self) -> Result<Vec<Checkpoint>, VerifyError> {
        let rows: Vec<(i32, i64, String)> =
            sqlx::query_as("select partition, next_offset, digest from journal.checkpoints order by partition")
                .fetch_all(&mut *self.transaction)
                .await?;
        let mut checkpoints = vec![Checkpoint::default(); self.head.partitions() as usize];
        for (partition, next, digest) in rows {
            if let Some(checkpoint) = usize::try_from(partition)
                .ok()
                .and_then(|partition| checkpoints.get_mut(partition))
            {
                // A text that is no digest is equal to none: it shows as one that differs.
                let digest = u128::from_str_radix(&digest, 16).unwrap_or(u128::MAX);
                *checkpoint = Checkpoint {
                    next_offset: u64::try_from(next).unwrap_or(0),
                    digest: Digest(digest),
                };
            }
        }
        Ok(checkpoints)
    }

    /// How many rows there are, about: for progress.
    pub(super) async fn row_estimate(&mut self) -> Result<u64, VerifyError> {
        let rows: i64 = sqlx::query_scalar("select coalesce(max(position), 0) from journal.events")
            .fetch_one(&mut *self.transaction)
            .await?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// Global positions over all partitions.
    pub(super) async fn check_positions(&mut self, kind: Kind, findings: &mut Findings) -> Result<(), VerifyError> {
        let position = self.head.position;
        positions::check(&mut self.transaction, kind, position, findings).await
    }

    /// Rows of partitions that the log does not have.
    pub(super) async fn check_partitions(&mut self, findings: &mut Findings) -> Result<(), VerifyError> {
        let partitions = self.head.partitions;
        positions::check_partitions(&mut self.transaction, partitions, findings).await
    }

    /// Commands that were refused for good and happened later.
    pub(super) async fn check_rejected(&mut self, findings: &mut Findings) -> Result<(), VerifyError> {
        rejections::check_final(&mut self.transaction, findings).await
    }

    /// Ends it and returns the connection.
    pub(super) async fn close(self) -> Result<(), VerifyError> {
        Ok(self.transaction.rollback().await?)
    }
}
