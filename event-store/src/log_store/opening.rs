//! Opening a log: its pins are read, or written when it is new.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::judging::Rules;
use super::{LogStore, LogStoreOptions, node};
use crate::acceptance::RULE_VERSION;
use crate::codec::{Pin, RecordKind, STREAM_HASH, decode_header};
use crate::error::StoreError;
use crate::journal::{Journal, JournalLoader};
use crate::log::{Log, LogError, LogRecord, Pace};
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
    let partitions: Vec<u32> = (0..log.partitions()).collect();
    let ends = try_join_all(partitions.iter().map(|partition| log.end_offset(*partition))).await?;
    if ends.first() == Some(&0) {
        log.append(0, Pin::new(Uuid::new_v4(), log.partitions(), window).encode())
            .await?;
    }
    let mut pin = None;
    if ends.contains(&0) {
        let first = pins(log, &[0]).await?.into_iter().next();
        let empty = partitions.iter().zip(&ends).skip(1).filter(|(_, end)| **end == 0);
        let appends = first.iter().flat_map(|first| {
            empty
                .clone()
                .map(|(partition, _)| log.append(*partition, first.encode()))
        });
        try_join_all(appends).await?;
        pin = first;
    }
    let found = pins(log, &partitions).await?;
    let pin = pin
        .or_else(|| found.first().cloned())
        .ok_or_else(|| LogError::Unavailable("the log has no partitions".to_owned()))?;
    for (partition, found) in partitions.iter().zip(&found) {
        check(*partition, found, &pin, log.partitions())?;
    }
    log.pinned(&pin);
    Ok(pin)
}

/// The pins of these partitions, read by one reader.
async fn pins(log: &dyn Log, partitions: &[u32]) -> Result<Vec<Pin>, OpenError> {
    let mut reader = log.read(
        partitions.iter().map(|partition| (*partition, 0)).collect(),
        Pace::Peeking,
    );
    let mut first: BTreeMap<u32, LogRecord> = BTreeMap::new();
    let late = || LogError::Unavailable("the first records of the partitions were not read in time".to_owned());
    let read = async {
        while first.len() < partitions.len() {
            for record in reader.recv().await.ok_or_else(late)?? {
                first.entry(record.partition).or_insert(record);
            }
        }
        Ok::<_, LogError>(first)
    };
    let first = tokio::time::timeout(PIN_TIMEOUT, read).await.map_err(|_| late())??;
    first
        .into_iter()
        .map(|(partition, record)| match decode_header(&record) {
            RecordKind::Pin(pin) if record.offset == 0 => Ok(pin),
            _ => Err(OpenError::NotOurs {
                partition,
                reason: "its first record is something else; use an empty topic of its own".to_owned(),
            }),
        })
        .collect()
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
        let rules = Rules::read(&*log, pin).await?;
        let stop = CancellationToken::new();
        let node = node::Node::start(
            Arc::clone(&log),
            Arc::clone(&journal),
            &checkpoints,
            &rules,
            &options.author,
            stop.clone(),
        );
        Ok(Self {
            loader: JournalLoader::start(&journal),
            in_flight: Arc::new(Semaphore::new(options.max_in_flight_bytes)),
            epoch: LogEpoch(pin.log_id),
            rules,
            log,
            journal,
            node,
            options,
            randomness: Arc::default(),
            stop,
        })
    }
}
