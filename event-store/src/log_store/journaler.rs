//! The journaler: a reader of the log whose sink is the journal. Each accepted commit goes in exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::judging::{Judged, JudgingReader, Rules, lock};
use super::log_error;
use crate::acceptance::{Digest, Ruled, Ruling};
use crate::codec::{Pin, decode_events, decode_rejections};
use crate::error::StoreError;
use crate::journal::{Advance, Applied, Checkpoint, FenceRow, Journal, JournalBatch};
use crate::log::{Log, Pace};
use crate::metrics;

/// After another journaler was found at work, and after an error: how long until this one tries again.
const STAND_BY: Duration = Duration::from_millis(500);
/// How often a journaler looks whether the journal still stands where it left it. Appends would tell, but a journal that is put
/// back while the log is quiet keeps every node from loading, and so from appending.
const LOOK: Duration = Duration::from_secs(1);

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
    pin: Pin,
}

enum Ended {
    Stopped,
    /// Or the journal was put back to an older state.
    AnotherIsAtWork,
    Failed(StoreError),
}

impl Journaler {
    /// A journaler that has not started.
    pub fn new(log: Arc<dyn Log>, journal: Arc<dyn Journal>, pin: &Pin) -> Self {
        let pin = pin.clone();
        Self { log, journal, pin }
    }

    /// Works until `stop`; survives a database that is away for a while.
    pub async fn run(self, stop: CancellationToken) -> Result<(), JournalerError> {
        loop {
            match self.work(&stop).await {
                Ended::Stopped => return Ok(()),
                Ended::AnotherIsAtWork => {
                    tracing::debug!("another journaler is at work, or the journal was put back: standing by");
                }
                Ended::Failed(error @ StoreError::Halted { .. }) => return Err(JournalerError::Halted(error)),
                Ended::Failed(error) => tracing::warn!(%error, "journaler interrupted, starting again"),
            }
            tokio::select! {
                biased;
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
        let rules = match Rules::read(&*self.log, &self.pin).await {
            Ok(rules) => rules,
            Err(error) => return Ended::Failed(log_error(error)),
        };
        let mut reader = JudgingReader::start(
            &*self.log,
            Arc::clone(&self.journal),
            rules.windows_at(&checkpoints),
            Pace::gathering(),
        )
        .filling_the_journal();
        let mut stands: Vec<u64> = reader.windows().iter().map(|window| lock(window).next()).collect();
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let judged = tokio::select! {
                biased;
                () = stop.cancelled() => return Ended::Stopped,
                _ = look.tick() => match self.journal.checkpoints().await {
                    Ok(checkpoints) if stands_at(&checkpoints, &stands) => continue,
                    Ok(_) => return Ended::AnotherIsAtWork,
                    Err(error) => return Ended::Failed(error),
                },
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
                    if let Err(error) = self.tell_of_stop(&rules, partition, offset, &reason).await {
                        return Ended::Failed(error);
                    }
                    continue;
                }
                judged => judged,
            };
            let batch = match judged.and_then(|judged| journal_batch(&judged, &stands)) {
                Ok(batch) => batch,
                Err(error) => return Ended::Failed(error),
            };
            let began = Instant::now();
            match self.journal.apply(&batch).await {
                Ok(Applied::Done) => {
                    metrics::journaled(batch.events.len(), began.elapsed());
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

impl Journaler {
    /// Readers that start later may be too late to see the harm, so they are told.
    async fn tell_of_stop(&self, rules: &Rules, partition: u32, offset: u64, reason: &str) -> Result<(), StoreError> {
        if rules.holds(partition, offset) == Some(Ruled::Stop) {
            return Ok(());
        }
        let stop = Ruling {
            log_id: self.pin.log_id,
            partition,
            offset,
            ruled: Ruled::Stop,
            reason: reason.to_owned(),
            // The log knows the time, and nothing depends on it.
            at: DateTime::UNIX_EPOCH,
        };
        self.log.rule(&stop).await.map_err(log_error)
    }
}

fn stands_at(checkpoints: &[Checkpoint], stands: &[u64]) -> bool {
    let offsets = checkpoints.iter().map(|checkpoint| checkpoint.next_offset);
    offsets.eq(stands.iter().copied())
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
                rejections: decode_rejections(record)?,
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
