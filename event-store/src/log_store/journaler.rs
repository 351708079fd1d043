//! The journaler: a reader of the log whose sink is the journal. Each accepted commit goes in exactly once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::judging::{Judged, JudgingReader, lock};
use crate::acceptance::{Digest, Window};
use crate::codec::decode_events;
use crate::error::StoreError;
use crate::journal::{Advance, Applied, Checkpoint, FenceRow, Journal, JournalBatch};
use crate::log::{Log, Pace};

/// After another journaler was found at work, and after an error: how long until this one tries again.
const STAND_BY: Duration = Duration::from_millis(500);

/// Why a journaler gave up.
#[derive(Debug, thiserror::Error)]
pub enum JournalerError {
    /// The log lost or changed history; an operator must look.
    #[error("the journaler stopped")]
    Halted(#[source] StoreError),
}

/// Copies accepted commits into the journal. Several may run: the checkpoint lets one win, the others stand by.
pub struct Journaler {
    log: Arc<dyn Log>,
    journal: Arc<dyn Journal>,
    width: u64,
}

enum Ended {
    Stopped,
    AnotherIsAtWork,
    Failed(StoreError),
}

impl Journaler {
    /// A journaler that has not started.
    pub fn new(log: Arc<dyn Log>, journal: Arc<dyn Journal>, width: u64) -> Self {
        Self { log, journal, width }
    }

    /// Works until `stop`; survives a database that is away for a while.
    pub async fn run(self, stop: CancellationToken) -> Result<(), JournalerError> {
        loop {
            match self.work(&stop).await {
                Ended::Stopped => return Ok(()),
                Ended::AnotherIsAtWork => tracing::debug!("another journaler is at work, standing by"),
                Ended::Failed(error @ StoreError::Halted { .. }) => return Err(JournalerError::Halted(error)),
                Ended::Failed(error) => tracing::warn!(%error, "journaler interrupted, starting again"),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(STAND_BY) => {}
            }
        }
    }

    async fn work(&self, stop: &CancellationToken) -> Ended {
        let checkpoints = match self.journal.checkpoints().await {
            Ok(checkpoints) => checkpoints,
            Err(error) => return Ended::Failed(error),
        };
        let windows = checkpoints
            .iter()
            .map(|checkpoint| {
                Mutex::new(Window::starting_at(
                    checkpoint.next_offset,
                    Some(checkpoint.digest),
                    self.width,
                ))
            })
            .collect();
        let mut reader = JudgingReader::start(
            &*self.log,
            Arc::clone(&self.journal),
            Arc::new(windows),
            Pace::Gathering,
            BTreeSet::new(),
        )
        .filling_the_journal();
        let mut stands: Vec<u64> = reader.windows().iter().map(|window| lock(window).next()).collect();
        loop {
            let judged = tokio::select! {
                () = stop.cancelled() => return Ended::Stopped,
                judged = reader.next() => judged,
            };
            let judged = match judged {
                // Nodes meet it too and acknowledge nothing there; the other partitions go on.
                Err(StoreError::Halted {
                    partition,
                    offset,
                    reason,
                }) if reader.has_stopped_in(partition) => {
                    tracing::error!(
                        partition,
                        offset,
                        reason,
                        "history was harmed: the journal stays where it is in this partition"
                    );
                    continue;
                }
                judged => judged,
            };
            let batch = match judged.and_then(|judged| journal_batch(&judged, &stands)) {
                Ok(batch) => batch,
                Err(error) => return Ended::Failed(error),
            };
            match self.journal.apply(&batch).await {
                Ok(Applied::Done) => {
                    metrics::counter!("journal_events_total").increment(batch.events.len() as u64);
                    for advance in &batch.advances {
                        if let Some(stands) = stands.get_mut(advance.partition as usize) {
                            *stands = advance.to.next_offset;
                        }
                    }
                }
                Ok(Applied::Moved) => return Ended::AnotherIsAtWork,
                Err(error) => return Ended::Failed(error),
            }
        }
    }
}

fn journal_batch(judged: &[Judged], stands: &[u64]) -> Result<JournalBatch, StoreError> {
    let mut batch = JournalBatch::default();
    let mut ends: BTreeMap<u32, Checkpoint> = BTreeMap::new();
    for judged in judged {
        let record = &judged.record;
        let digest = judged.digest.unwrap_or(Digest::START);
        ends.insert(
            record.partition,
            Checkpoint {
                next_offset: record.offset + 1,
                digest,
            },
        );
        let Some(header) = judged.header.as_ref().filter(|_| judged.accepted) else {
            continue;
        };
        if header.is_fence {
            let target = header.target();
            let (partition, offset) = (record.partition, record.offset);
            batch.fences.push(FenceRow {
                partition,
                offset,
                target,
                recorded_at: record.recorded_at,
            });
        } else {
            batch.events.extend(decode_events(record, header)?);
        }
    }
    batch.advances = ends
        .into_iter()
        .map(|(partition, to)| Advance {
            partition,
            from: stands.get(partition as usize).copied().unwrap_or(0),
            to,
        })
        .collect();
    Ok(batch)
}
