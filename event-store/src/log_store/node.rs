//! The node: follows the log, and tells the authors in this process how their commits were judged.
//!
//! Nothing in this module leaves an order to chance (`biased` selects, first come first served): the simulator repeats a run
//! from its seed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::StreamId;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::authors::OtherAuthors;
use super::judging::{Judged, JudgingReader, Rules, Windows, lock};
use super::own_records::OwnRecords;
use crate::acceptance::{Digest, Window};
use crate::error::StoreError;
use crate::journal::{Checkpoint, Journal};
use crate::log::{Log, LogRecord, Pace, Urgency, Urgent};
use crate::metrics;

/// How often the node looks how far the journal is, for back-pressure.
const JOURNAL_LOOK: Duration = Duration::from_millis(250);
/// Until the node reads again after the log was unreachable.
const READ_AGAIN: Duration = Duration::from_millis(200);

/// How a commit of this process was judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct OwnVerdict {
    pub(super) accepted: bool,
    pub(super) offset: u64,
    pub(super) digest: Digest,
}

pub(super) struct Node {
    windows: Windows,
    /// Told when the window of the partition moved, or the partition stopped.
    progress: Vec<Notify>,
    journal_next: Vec<AtomicU64>,
    own: Mutex<HashMap<Uuid, Author>>,
    halted: Mutex<BTreeMap<u32, StoreError>>,
    authors: OtherAuthors,
    own_records: Arc<OwnRecords>,
    urgency: Arc<Urgency>,
}

/// Waits to hear how a commit is judged.
struct Author {
    partition: u32,
    tell: oneshot::Sender<OwnVerdict>,
}

impl Node {
    /// Starts following at the journal's checkpoints; no history is read.
    pub(super) fn start(
        log: Arc<dyn Log>,
        journal: Arc<dyn Journal>,
        checkpoints: &[Checkpoint],
        rules: &Rules,
        author: &str,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let windows = rules.windows_at(checkpoints);
        let node = Arc::new(Self {
            windows,
            progress: checkpoints.iter().map(|_| Notify::new()).collect(),
            journal_next: checkpoints
                .iter()
                .map(|checkpoint| AtomicU64::new(checkpoint.next_offset))
                .collect(),
            own: Mutex::default(),
            halted: Mutex::default(),
            authors: OtherAuthors::than(author),
            own_records: Arc::new(OwnRecords::of(checkpoints.len())),
            urgency: Arc::default(),
        });
        tokio::spawn(follow(Arc::clone(&node), log, Arc::clone(&journal), stop.clone()));
        tokio::spawn(watch_journal(Arc::clone(&node), journal, stop));
        node
    }

    pub(super) fn window(&self, partition: u32) -> Option<MutexGuard<'_, Window>> {
        self.windows.get(partition as usize).map(lock)
    }

    /// Waits until everything below `offset` is judged.
    pub(super) async fn wait_for(&self, partition: u32, offset: u64, within: Duration) -> Result<(), StoreError> {
        let Some(progress) = self.progress.get(partition as usize) else {
            return Err(StoreError::Invalid("no such partition"));
        };
        let reached = async {
            let mut urgent = None;
            loop {
                // Asked for before looking, so that no step is missed.
                let moved = progress.notified();
                self.check(partition)?;
                if self.window(partition).is_some_and(|window| window.next() >= offset) {
                    return Ok(());
                }
                urgent.get_or_insert_with(|| self.hurry());
                moved.await;
            }
        };
        tokio::time::timeout(within, reached).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                reason: format!("partition {partition} was not read up to offset {offset} in time"),
            })
        })
    }

    /// Records that the journal has not taken yet.
    pub(super) fn journal_lag(&self, partition: u32) -> u64 {
        let taken = self
            .journal_next
            .get(partition as usize)
            .map_or(0, |next| next.load(Ordering::Relaxed));
        self.window(partition)
            .map_or(0, |window| window.next().saturating_sub(taken))
    }

    /// Is the partition still whole?
    pub(super) fn check(&self, partition: u32) -> Result<(), StoreError> {
        self.halted().get(&partition).cloned().map_or(Ok(()), Err)
    }

    fn halted(&self) -> MutexGuard<'_, BTreeMap<u32, StoreError>> {
        self.halted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Acknowledges nothing more in these partitions. Authors who wait for a verdict there hear at once that there will be none.
    fn halt(&self, partitions: std::ops::Range<u32>, error: &StoreError) {
        let count = {
            let mut halted = self.halted();
            halted.extend(partitions.clone().map(|partition| (partition, error.clone())));
            halted.len()
        };
        self.own().retain(|_, author| !partitions.contains(&author.partition));
        for partition in partitions {
            if let Some(progress) = self.progress.get(partition as usize) {
                progress.notify_waiters();
            }
        }
        metrics::partitions_stopped(count);
    }

    /// To be told how the commit `id` is judged. Forgotten when the guard is dropped.
    pub(super) fn expect(self: &Arc<Self>, partition: u32, id: Uuid) -> (Expectation, oneshot::Receiver<OwnVerdict>) {
        let (tell, told) = oneshot::channel();
        self.own().insert(id, Author { partition, tell });
        (
            Expectation {
                node: Arc::clone(self),
                id,
            },
            told,
        )
    }

    /// The log has told where it put a record of this process. Its author, and those of the records behind it, are told the verdict
    /// now if nothing between is to be read.
    pub(super) fn delivered(&self, record: LogRecord) {
        if self.check(record.partition).is_err() {
            return;
        }
        let judged = self.own_records.deliver(record, &self.windows);
        if !judged.is_empty() {
            metrics::judged_on_delivery(judged.len());
            self.tell(&judged);
        }
    }

    /// Reads without a rest as long as what is returned lives.
    pub(super) fn hurry(&self) -> Urgent {
        self.urgency.raise()
    }

    fn own(&self) -> MutexGuard<'_, HashMap<Uuid, Author>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn other_author(&self, stream: &StreamId) -> Option<String> {
        self.authors.of(stream.hash128())
    }

    fn tell(&self, judged: &[Judged]) {
        // Before the verdicts: an author that lost wants to know to whom.
        self.authors.note(judged);
        let mut own = self.own();
        for judged in judged {
            let Some(header) = &judged.header else { continue };
            if let Some(author) = own.remove(&header.id) {
                let digest = judged.digest.unwrap_or(Digest::START);
                // An author that stopped waiting needs no answer.
                let _ = author.tell.send(OwnVerdict {
                    accepted: judged.accepted,
                    offset: judged.record.offset,
                    digest,
                });
            }
        }
        drop(own);
        let moved: BTreeSet<u32> = judged.iter().map(|judged| judged.record.partition).collect();
        for progress in moved
            .iter()
            .filter_map(|partition| self.progress.get(*partition as usize))
        {
            progress.notify_waiters();
        }
    }
}

/// Keeps a commit's author registered.
pub(super) struct Expectation {
    node: Arc<Node>,
    id: Uuid,
}

impl Drop for Expectation {
    fn drop(&mut self) {
        self.node.own().remove(&self.id);
    }
}

async fn follow(node: Arc<Node>, log: Arc<dyn Log>, journal: Arc<dyn Journal>, stop: CancellationToken) {
    loop {
        // The windows stand where the last reader ended, so nothing is judged twice.
        let stopped = node.halted().keys().copied().collect();
        let mut reader = JudgingReader::go_on(
            &*log,
            Arc::clone(&journal),
            Arc::clone(&node.windows),
            Pace::Gathering(Arc::clone(&node.urgency)),
            stopped,
            Some(Arc::clone(&node.own_records)),
        );
        let error = loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                judged = reader.next() => match judged {
                    Ok(judged) => node.tell(&judged),
                    Err(StoreError::Halted { partition, offset, reason }) if reader.has_stopped_in(partition) => {
                        tracing::error!(partition, offset, reason, "history was harmed: nothing is acknowledged in this partition any more");
                        node.halt(partition..partition + 1, &StoreError::Halted { partition, offset, reason });
                    }
                    Err(error) => break error,
                },
            }
        };
        if matches!(error, StoreError::Halted { .. }) {
            // The log itself says so, and it does not say where.
            tracing::error!(%error, "history was harmed: nothing is acknowledged any more");
            node.halt(0..log.partitions(), &error);
            return;
        }
        tracing::warn!(%error, "reading the log was interrupted");
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(READ_AGAIN) => {}
        }
    }
}

async fn watch_journal(node: Arc<Node>, journal: Arc<dyn Journal>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Ok(checkpoints) = journal.checkpoints().await {
            for (known, checkpoint) in node.journal_next.iter().zip(checkpoints) {
                known.store(checkpoint.next_offset, Ordering::Relaxed);
            }
            let lags = (0_u32..)
                .take(node.journal_next.len())
                .map(|partition| node.journal_lag(partition));
            metrics::journal_lag(lags.max().unwrap_or(0));
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = tokio::time::sleep(JOURNAL_LOOK) => {}
        }
    }
}
