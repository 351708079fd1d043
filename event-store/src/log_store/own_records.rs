//! What this process wrote itself it need not read: when the log reports at which offset a record was delivered, its author knows
//! what stands there. If everything below is judged, the record is judged at once.
//!
//! The reader still meets it, and compares: a log that holds something else at that offset has changed history.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::judging::{Judged, Windows, lock};
use crate::acceptance::{Digest, History, Verdict, Window};
use crate::codec::{RecordKind, decode_header};
use crate::log::LogRecord;

/// Records of a partition that may be judged before they are read. When a reader is that far behind, authors wait for it.
const MOST_UNREAD: usize = 4_096;

/// Records of a partition that may wait, each whole in memory, until what lies before them is read.
const MOST_WAITING: usize = 256;

/// Of all partitions.
pub(super) struct OwnRecords {
    partitions: Vec<Mutex<OfPartition>>,
}

/// Of one partition. Whoever holds this and the partition's window took this first.
#[derive(Default)]
pub(super) struct OfPartition {
    /// Delivered and not judged, since something below is still to be read.
    delivered: BTreeMap<u64, LogRecord>,
    /// Judged and not read, in the order of their offsets.
    unread: VecDeque<(u64, Digest)>,
}

/// What a reader knows of a record that it has read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It is to be judged.
    New,
    /// It was judged when it was delivered.
    Known,
    /// Another record was judged at its offset.
    Changed,
}

impl OwnRecords {
    pub(super) fn of(partitions: usize) -> Self {
        Self {
            partitions: std::iter::repeat_with(Mutex::default).take(partitions).collect(),
        }
    }

    pub(super) fn partition(&self, partition: u32) -> Option<MutexGuard<'_, OfPartition>> {
        let partition = self.partitions.get(partition as usize)?;
        Some(partition.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a delivered record, and judges it and its successors if everything below is judged.
    pub(super) fn deliver(&self, record: LogRecord, windows: &Windows) -> Vec<Judged> {
        let Some((mut own, window)) = self
            .partition(record.partition)
            .zip(windows.get(record.partition as usize))
        else {
            return Vec::new();
        };
        let mut window = lock(window);
        // What finds no room is judged when it is read.
        if record.offset >= window.next() && own.delivered.len() < MOST_WAITING {
            own.delivered.insert(record.offset, record);
        }
        own.judge(&mut window)
    }
}

impl OfPartition {
    /// Where a reader begins: nothing that was not read is left out.
    pub(super) fn begin(&self, window: &Window) -> u64 {
        self.unread.front().map_or(window.next(), |(offset, _)| *offset)
    }

    /// What is known of a record that a reader has met.
    pub(super) fn read(&mut self, offset: u64, content: impl FnOnce() -> Digest) -> Read {
        self.delivered.remove(&offset);
        match self.unread.front() {
            Some((unread, digest)) if *unread == offset => {
                let read = if *digest == content() {
                    Read::Known
                } else {
                    Read::Changed
                };
                self.unread.pop_front();
                read
            }
            _ => Read::New,
        }
    }

    fn judge(&mut self, window: &mut Window) -> Vec<Judged> {
        let mut judged = Vec::new();
        while let Some(delivered) = self.delivered.first_entry() {
            if *delivered.key() < window.next() {
                delivered.remove();
                continue;
            }
            if *delivered.key() > window.next() || self.unread.len() >= MOST_UNREAD {
                break;
            }
            // What needs more than the window, and what stops the partition, is the reader's.
            let RecordKind::Commit(header) = decode_header(delivered.get()) else {
                break;
            };
            if window.needs_history(&header.candidate) {
                break;
            }
            let content = delivered.get().content_digest();
            let offset = *delivered.key();
            let verdict = window.judge(offset, || content, Some(&header.candidate), History::default());
            if let Verdict::Halt(_) = verdict {
                break;
            }
            self.unread.push_back((offset, content));
            judged.push(Judged {
                record: delivered.remove(),
                header: Some(*header),
                accepted: verdict == Verdict::Accepted,
                digest: window.digest(),
            });
        }
        judged
    }
}
