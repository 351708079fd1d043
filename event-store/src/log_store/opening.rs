//! Opening a log: its pins are read, or written when it is new.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LogStore, LogStoreOptions, node};
use crate::acceptance::RULE_VERSION;
use crate::codec::{Pin, RecordKind, STREAM_HASH, decode_header};
use crate::error::StoreError;
use crate::journal::{Journal, JournalLoader};
use crate::log::{Log, LogError, LogRecord};
use crate::position::LogEpoch;

/// How long the first record of a partition may take to be read.
const PIN_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be reached.
    #[error("the log cannot be opened")]
    Log(#[from] LogError),
    /// The journal cannot be read.
    #[error("the journal cannot be opened")]
    Journal(#[from] StoreError),
    /// The first record of a partition is not a pin of ours.
    #[error("partition {partition} does not begin with a pin: {reason}")]
    NotOurs {
        /// The partition.
        partition: u32,
        /// What was found, and what to do.
        reason: String,
    },
}

/// Reads the pins of all partitions, writing them first where a partition is empty. Several nodes may do it at once:
/// the first record of partition 0 decides.
pub async fn open_log(log: &dyn Log, window: u64) -> Result<Pin, OpenError> {
    let pin = pin_of(log, 0, &Pin::new(Uuid::new_v4(), log.partitions(), window)).await?;
    check(0, &pin, &pin, log.partitions())?;
    for partition in 1..log.partitions() {
        let found = pin_of(log, partition, &pin).await?;
        check(partition, &found, &pin, log.partitions())?;
    }
    Ok(pin)
}

async fn pin_of(log: &dyn Log, partition: u32, wanted: &Pin) -> Result<Pin, OpenError> {
    if log.end_offset(partition).await? == 0 {
        log.append(partition, wanted.encode()).await?;
    }
    let record = first_record(log, partition).await?;
    match decode_header(&record) {
        RecordKind::Pin(pin) if record.offset == 0 => Ok(pin),
        _ => Err(OpenError::NotOurs {
            partition,
            reason: "its first record is something else; use an empty topic of its own".to_owned(),
        }),
    }
}

async fn first_record(log: &dyn Log, partition: u32) -> Result<LogRecord, OpenError> {
    let mut reader = log.read(vec![(partition, 0)]);
    let batch = tokio::time::timeout(PIN_TIMEOUT, reader.recv()).await.ok().flatten();
    let records = batch.ok_or_else(|| {
        LogError::Unavailable(format!(
            "the first record of partition {partition} was not read in time"
        ))
    })??;
    records
        .into_iter()
        .next()
        .ok_or_else(|| LogError::Unavailable("an empty batch was read".to_owned()).into())
}

fn check(partition: u32, found: &Pin, wanted: &Pin, partitions: u32) -> Result<(), OpenError> {
    let refuse = |reason: String| Err(OpenError::NotOurs { partition, reason });
    if found != wanted {
        return refuse("it is pinned to another log; the topic was put together from several".to_owned());
    }
    if found.partitions != partitions {
        return refuse(format!(
            "it was created with {} partitions and now has {partitions}; streams would be cut in two",
            found.partitions
        ));
    }
    if found.stream_hash != STREAM_HASH || found.rule_version > RULE_VERSION {
        return refuse("it was written by a newer version of this software".to_owned());
    }
    Ok(())
}

impl LogStore {
    /// Starts a node on an open log. Ready as soon as the journal's checkpoints are read: no history is replayed.
    ///
    /// A [`Journaler`](super::Journaler) must run somewhere for the same journal.
    pub async fn start(
        log: Arc<dyn Log>,
        journal: Arc<dyn Journal>,
        pin: &Pin,
        options: LogStoreOptions,
    ) -> Result<Self, OpenError> {
        let checkpoints = journal.checkpoints().await?;
        if checkpoints.len() != log.partitions() as usize {
            return Err(OpenError::NotOurs {
                partition: 0,
                reason: format!(
                    "the journal has checkpoints for {} partitions, the log has {}",
                    checkpoints.len(),
                    log.partitions()
                ),
            });
        }
        let stop = CancellationToken::new();
        let node = node::Node::start(
            Arc::clone(&log),
            Arc::clone(&journal),
            &checkpoints,
            pin.window,
            stop.clone(),
        );
        Ok(Self {
            loader: JournalLoader::start(&journal),
            in_flight: Arc::new(Semaphore::new(options.max_in_flight_bytes)),
            epoch: LogEpoch(pin.log_id),
            width: pin.window,
            log,
            journal,
            node,
            options,
            stop,
        })
    }
}
