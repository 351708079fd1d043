//! Reading the log with judgement: what every reader of it does, whatever its sink.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::log_error;
use super::own_records::{OfPartition, OwnRecords, Read};
use crate::acceptance::{Digest, History, Ruled, Rulings, Verdict, Window};
use crate::codec::{CommitHeader, Pin, RecordKind, decode_header};
use crate::error::StoreError;
use crate::journal::{Checkpoint, Journal};
use crate::log::{Log, LogError, LogReader, LogRecord, Pace};

/// A window per partition, shared between the reader that moves them and those who look.
pub(super) type Windows = Arc<Vec<Mutex<Window>>>;

/// What readers of one log judge by, besides the records.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    width: u64,
    rulings: Rulings,
}

impl Rules {
    /// Reads the rulings, before any record.
    pub(super) async fn read(log: &dyn Log, pin: &Pin) -> Result<Self, LogError> {
        Ok(Self {
            width: pin.window,
            rulings: Rulings::new(pin.log_id, &log.rulings().await?),
        })
    }

    /// `W`.
    pub(super) fn width(&self) -> u64 {
        self.width
    }

    /// What is ruled on an offset.
    pub(super) fn holds(&self, partition: u32, offset: u64) -> Option<Ruled> {
        self.rulings.of(partition).get(&offset).copied()
    }

    /// Windows of readers that start at the journal's checkpoints.
    pub(super) fn windows_at(&self, checkpoints: &[Checkpoint]) -> Windows {
        let starts = checkpoints
            .iter()
            .map(|checkpoint| (checkpoint.next_offset, Some(checkpoint.digest)));
        self.windows(starts)
    }

    /// Windows of readers that start at these offsets, with or without the digest of what is before.
    pub(super) fn windows(&self, starts: impl Iterator<Item = (u64, Option<Digest>)>) -> Windows {
        let window = |(partition, (start, digest))| {
            let ruled = self.rulings.of(partition);
            Mutex::new(Window::starting_at(start, digest, self.width).under(ruled))
        };
        Arc::new((0..).zip(starts).map(window).collect())
    }
}

/// How long a reader ahead of the journal waits for it.
const JOURNAL_PATIENCE: Duration = Duration::from_mins(1);
/// Most records, and about how many bytes of them, judged before they are handed on: what a reader holds in memory.
const BATCH_RECORDS: usize = 500;
const BATCH_BYTES: usize = 1 << 20;

/// A record with its judgement.
pub(super) struct Judged {
    pub(super) record: LogRecord,
    /// None for records that are no commits.
    pub(super) header: Option<CommitHeader>,
    pub(super) accepted: bool,
    /// The running digest after this record, when the reader keeps it.
    pub(super) digest: Option<Digest>,
}

/// Reads all partitions and judges every record in offset order.
pub(super) struct JudgingReader {
    reader: LogReader,
    windows: Windows,
    journal: Arc<dyn Journal>,
    pending: VecDeque<LogRecord>,
    judged: Vec<Judged>,
    judged_bytes: usize,
    /// Why it stopped in the middle of a batch; told after what was judged before.
    failed: Option<StoreError>,
    /// Nobody else fills the journal.
    fills_the_journal: bool,
    /// Partitions in which it met harmed history; what comes of them is dropped.
    stopped: BTreeSet<u32>,
    /// What is judged without it.
    own: Option<Arc<OwnRecords>>,
}

impl JudgingReader {
    /// Starts at the windows' next offsets.
    pub(super) fn start(log: &dyn Log, journal: Arc<dyn Journal>, windows: Windows, pace: Pace) -> Self {
        Self::go_on(log, journal, windows, pace, BTreeSet::new(), None)
    }

    /// Starts where the last one ended, in all partitions but those that were stopped before. `own` are judged without it and only
    /// compared.
    pub(super) fn go_on(
        log: &dyn Log,
        journal: Arc<dyn Journal>,
        windows: Windows,
        pace: Pace,
        stopped: BTreeSet<u32>,
        own: Option<Arc<OwnRecords>>,
    ) -> Self {
        let begin = |(partition, window): (u32, &Mutex<Window>)| {
            let own = own.as_ref().and_then(|own| own.partition(partition));
            let window = lock(window);
            (partition, own.map_or(window.next(), |own| own.begin(&window)))
        };
        let from = (0_u32..)
            .zip(windows.iter())
            .filter(|(partition, _)| !stopped.contains(partition))
            .map(begin)
            .collect();
        Self {
            reader: log.read(from, pace),
            windows,
            journal,
            pending: VecDeque::new(),
            judged: Vec::new(),
            judged_bytes: 0,
            failed: None,
            fills_the_journal: false,
            stopped,
            own,
        }
    }

    /// The reader that fills the journal has begun at its checkpoint. Finding it further back, it must not wait: the journal was restored,
    /// and only a new beginning moves it.
    pub(super) fn filling_the_journal(self) -> Self {
        Self {
            fills_the_journal: true,
            ..self
        }
    }

    /// Did it stop in this partition alone? Then it goes on in the others when it is asked again.
    pub(super) fn has_stopped_in(&self, partition: u32) -> bool {
        self.stopped.contains(&partition)
    }

    pub(super) fn windows(&self) -> &Windows {
        &self.windows
    }

    /// The next judged records, at least one. Cancel safe: what was taken from the log stays here until it is returned.
    ///
    /// [`StoreError::Halted`] is returned once for each partition that it stops in; after the last one it waits for ever. What was judged
    /// before a failure is returned before it: the window has moved past it, so no later reader would hand it on.
    pub(super) async fn next(&mut self) -> Result<Vec<Judged>, StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        match self.fill().await {
            Err(error) if !self.judged.is_empty() => {
                self.failed = Some(error);
                self.judged_bytes = 0;
                Ok(std::mem::take(&mut self.judged))
            }
            filled => filled,
        }
    }

    async fn fill(&mut self) -> Result<Vec<Judged>, StoreError> {
        loop {
            while !self.pending.is_empty() && !self.is_full() {
                if let Err(error) = self.judge_first().await {
                    if let StoreError::Halted { partition, .. } = &error {
                        self.stopped.insert(*partition);
                    }
                    return Err(error);
                }
            }
            if !self.is_full()
                && let Ok(batch) = self.reader.try_recv()
            {
                self.take(batch)?;
                continue;
            }
            if !self.judged.is_empty() {
                self.judged_bytes = 0;
                return Ok(std::mem::take(&mut self.judged));
            }
            match self.reader.recv().await {
                Some(batch) => self.take(batch)?,
                None if self.stopped.len() == self.windows.len() => std::future::pending().await,
                None => {
                    return Err(StoreError::Unavailable {
                        reason: "the reader of the log ended".to_owned(),
                    });
                }
            }
        }
    }

    fn take(&mut self, batch: Result<Vec<LogRecord>, LogError>) -> Result<(), StoreError> {
        match batch {
            Ok(records) => {
                self.pending.extend(records);
                Ok(())
            }
            Err(LogError::Harmed { partition, reason }) => {
                self.stopped.insert(partition);
                let window = self.windows.get(partition as usize);
                Err(halted(
                    partition,
                    window.map_or(0, |window| lock(window).next()),
                    &reason,
                ))
            }
            Err(error) => Err(log_error(error)),
        }
    }

    fn is_full(&self) -> bool {
        self.judged.len() >= BATCH_RECORDS || self.judged_bytes >= BATCH_BYTES
    }

    async fn judge_first(&mut self) -> Result<(), StoreError> {
        let Some(record) = self.pending.front() else {
            return Ok(());
        };
        let (partition, offset) = (record.partition, record.offset);
        if self.stopped.contains(&partition) {
            self.pending.pop_front();
            return Ok(());
        }
        let Some(window) = self.windows.get(partition as usize) else {
            return Err(halted(
                partition,
                offset,
                "the log has more partitions than were pinned",
            ));
        };
        if let Some(mut own) = self.own.as_ref().and_then(|own| own.partition(partition))
            && is_known(&mut own, record)?
        {
            self.pending.pop_front();
            return Ok(());
        }
        let header = match decode_header(record) {
            RecordKind::Commit(header) => Some(*header),
            RecordKind::Pin(_) | RecordKind::Foreign => None,
            RecordKind::Newer { version } => {
                return Err(halted(
                    partition,
                    offset,
                    &format!(
                        "written in format {version} by a newer version of this software; upgrade the readers first"
                    ),
                ));
            }
        };
        let mut history = History::default();
        if let Some(header) = &header {
            let start = {
                let window = lock(window);
                window.needs_history(&header.candidate).then(|| window.start())
            };
            if let Some(start) = start {
                history = self.history(partition, start, header).await?;
            }
        }
        let Some(record) = self.pending.pop_front() else {
            return Ok(());
        };
        let mut own = self.own.as_ref().and_then(|own| own.partition(partition));
        // It may have been delivered while the journal was asked.
        if let Some(own) = &mut own
            && is_known(own, &record)?
        {
            return Ok(());
        }
        let mut window = lock(window);
        let candidate = header.as_ref().map(|header| &header.candidate);
        let verdict = window.judge(offset, || record.content_digest(), candidate, history);
        let digest = window.digest();
        drop(window);
        drop(own);
        if let Verdict::Halt(reason) = verdict {
            return Err(halted(partition, offset, &reason.to_string()));
        }
        self.judged_bytes += record.value.len();
        self.judged.push(Judged {
            record,
            header,
            accepted: verdict == Verdict::Accepted,
            digest,
        });
        Ok(())
    }

    /// What the journal knows below this reader's start. It must have passed the start, or its answer means nothing.
    async fn history(&self, partition: u32, start: u64, header: &CommitHeader) -> Result<History, StoreError> {
        let target = header.target();
        let ask = async {
            loop {
                let (covering, checkpoint) = self.journal.last_covering(partition, &target, start).await?;
                if checkpoint.next_offset >= start {
                    return Ok(History {
                        last_covering: covering,
                    });
                }
                if self.fills_the_journal {
                    let reason = format!("the journal was put back behind offset {start} of partition {partition}");
                    return Err(StoreError::Unavailable { reason });
                }
                self.journal.wait_moved().await;
            }
        };
        tokio::time::timeout(JOURNAL_PATIENCE, ask).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable {
                reason: format!("the journal has not passed offset {start} of partition {partition}"),
            })
        })
    }
}

/// Was it judged when it was delivered?
fn is_known(own: &mut OfPartition, record: &LogRecord) -> Result<bool, StoreError> {
    match own.read(record.offset, || record.content_digest()) {
        Read::New => Ok(false),
        Read::Known => Ok(true),
        Read::Changed => Err(halted(
            record.partition,
            record.offset,
            "the record that was acknowledged here is another one now",
        )),
    }
}

/// The window, also after a panic elsewhere: it is changed in one step.
pub(super) fn lock(window: &Mutex<Window>) -> MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}

fn halted(partition: u32, offset: u64, reason: &str) -> StoreError {
    let reason = format!(
        "{reason}; compare the log with its backup, then say what holds with `coding-agent log rule --partition {partition} --offset {offset}` and start the nodes again"
    );
    StoreError::Halted {
        partition,
        offset,
        reason,
    }
}
