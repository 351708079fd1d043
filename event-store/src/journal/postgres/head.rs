//! The head row: which log the journal belongs to, and the epoch of its positions.

use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::position::LogEpoch;

/// What the journal is to its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// The journal is the log.
    Postgresql,
    /// The journal is the index of a log elsewhere.
    Log,
}

impl LogKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Log => "log",
        }
    }
}

/// The head row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Identity of the log.
    pub log_id: Uuid,
    /// Which history positions belong to.
    pub epoch: LogEpoch,
    /// Number of partitions.
    pub partitions: u32,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// The database cannot be asked.
    #[error("the journal cannot be opened")]
    Database(#[from] sqlx::Error),
    /// It belongs to something else.
    #[error("this database holds the journal of {found}, not of {wanted}; configure another database")]
    Foreign {
        /// What it belongs to.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// The server would lose acknowledged commits in a crash.
    #[error("PostgreSQL runs with {setting} = {value}, which loses acknowledged events in a crash; set {setting} = on")]
    NotDurable {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
    },
}

/// Reads the head row, writing it when it is missing, and raises the epoch when the database was restored or failed over.
pub(super) async fn open(pool: &PgPool, kind: LogKind, log_id: Uuid, partitions: u32) -> Result<Head, HeadError> {
    check_durability(pool).await?;
    let mut transaction = pool.begin().await?;
    let identity = sqlx::query(
        "select (select system_identifier::text from pg_control_system()) as system_identifier,
                (select timeline_id from pg_control_checkpoint()) as timeline",
    )
    .fetch_one(&mut *transaction)
    .await?;
    let system: String = identity.try_get("system_identifier")?;
    let timeline: i32 = identity.try_get("timeline")?;
    sqlx::query(
        "insert into journal.head (log_kind, log_id, epoch, partitions, system_identifier, timeline)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
    )
    .bind(kind.as_str())
    .bind(log_id)
    .bind(Uuid::new_v4())
    .bind(super::integer(partitions))
    .bind(&system)
    .bind(timeline)
    .execute(&mut *transaction)
    .await?;
    let row = sqlx::query(
        "select log_kind, log_id, epoch, partitions, system_identifier, timeline from journal.head for update",
    )
    .fetch_one(&mut *transaction)
    .await?;
    let found_kind: String = row.try_get("log_kind")?;
    let found_log: Uuid = row.try_get("log_id")?;
    let found_partitions: i32 = row.try_get("partitions")?;
    let embedded = kind == LogKind::Postgresql;
    if found_kind != kind.as_str() || (!embedded && found_log != log_id) {
        return Err(HeadError::Foreign {
            found: format!("a {found_kind} log with id {found_log}"),
            wanted: format!("a {} log with id {log_id}", kind.as_str()),
        });
    }
    let mut epoch: Uuid = row.try_get("epoch")?;
    let moved =
        row.try_get::<String, _>("system_identifier")? != system || row.try_get::<i32, _>("timeline")? != timeline;
    if moved {
        epoch = Uuid::new_v4();
        sqlx::query("update journal.head set epoch = $1, system_identifier = $2, timeline = $3")
            .bind(epoch)
            .bind(&system)
            .bind(timeline)
            .execute(&mut *transaction)
            .await?;
        tracing::warn!(epoch = %epoch, "the database was restored or failed over: a new epoch begins, old tokens end");
    }
    if !embedded {
        // Only those that are missing. A conflict waits for whoever is changing the row, also where it then does nothing, and a journaler that
        // changes it may be waiting for the head, which is held here.
        sqlx::query(
            "insert into journal.checkpoints (partition, next_offset, digest)
             select number, 0, repeat('0', 32) from generate_series(0, $1 - 1) as number
             where not exists (select from journal.checkpoints where partition = number) on conflict do nothing",
        )
        .bind(found_partitions)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(Head {
        log_id: found_log,
        epoch: LogEpoch(epoch),
        partitions: u32::try_from(found_partitions).unwrap_or(partitions),
    })
}

async fn check_durability(pool: &PgPool) -> Result<(), HeadError> {
    for setting in ["fsync", "synchronous_commit"] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(pool)
            .await?;
        if value == "off" {
            return Err(HeadError::NotDurable { setting, value });
        }
    }
    Ok(())
}
