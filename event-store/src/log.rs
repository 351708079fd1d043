//! What the log store needs from a log: append a record to a partition, read partitions from offsets, ask for the end.
//!
//! Apache Kafka implements it (crate `kafka`), and so does the seeded [`crate::simulator`]; the code above is the same.

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use crate::acceptance::{Digest, Ruling};
use crate::codec::Pin;

mod pace;

pub use pace::{GATHER_FOR, Pace, Urgency, Urgent, WORTH_A_READ};

/// A record to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The stream id, so that every tool of the log's ecosystem shows it.
    pub key: Bytes,
    /// Fields of the commit.
    pub headers: Vec<(&'static str, Bytes)>,
    /// The events.
    pub value: Bytes,
}

impl Record {
    /// Bytes that count towards the log's limit on records.
    pub fn size(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + 8)
            .sum();
        self.key.len() + headers + self.value.len() + 64
    }
}

/// A record as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: u64,
    /// When the log took it.
    pub recorded_at: DateTime<Utc>,
    /// As appended.
    pub key: Bytes,
    /// As appended.
    pub headers: Vec<(String, Bytes)>,
    /// As appended.
    pub value: Bytes,
}

impl LogRecord {
    /// What its author knows of a record once the log has told its offset: all but when the log took it.
    pub(crate) fn delivered(record: &Record, partition: u32, offset: u64) -> Self {
        let headers = record.headers.iter();
        Self {
            partition,
            offset,
            recorded_at: DateTime::UNIX_EPOCH,
            key: record.key.clone(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            value: record.value.clone(),
        }
    }

    /// The value of a header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(candidate, _)| candidate == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The digest of everything that its author wrote.
    pub fn content_digest(&self) -> Digest {
        let headers = self
            .headers
            .iter()
            .flat_map(|(name, value)| [name.as_bytes(), value.as_ref()]);
        Digest::of([self.key.as_ref(), self.value.as_ref()].into_iter().chain(headers))
    }
}

/// Why the log did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The record is too large; nothing was sent.
    #[error("a record of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Nothing was sent.
    #[error("the log is not reachable: {0}")]
    Unavailable(String),
    /// Writing could harm history or add to harmed history; nothing was sent.
    #[error("the log takes no writes: {0}")]
    Guarded(String),
    /// It may have been written.
    #[error("the log did not say whether it wrote the record: {0}")]
    Unknown(String),
    /// The records asked for are not there, or the topic is another one: history was harmed in this partition.
    #[error("partition {partition}: {reason}")]
    Harmed {
        /// The partition.
        partition: u32,
        /// What was found.
        reason: String,
    },
}

/// A partitioned append-only log.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Number of partitions; fixed.
    fn partitions(&self) -> u32;

    /// Largest record in bytes.
    fn max_record_bytes(&self) -> usize;

    /// What its first records say it is, told once it was opened. A log that can be replaced under a running process refuses to append
    /// when they say something else later.
    fn pinned(&self, _pin: &Pin) {}

    /// Appends and returns once the record is durable on all in-sync replicas.
    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError>;

    /// Reads all partitions, each from its offset, for ever. Within a partition in offset order. [`LogError::Harmed`] ends the
    /// partition that it names, and the others go on; any other error is the last thing that comes. Dropping the receiver ends the reader.
    fn read(&self, from: Vec<(u32, u64)>, pace: Pace) -> LogReader;

    /// The offset that the next record of a partition will get, as of some moment after the call began.
    async fn end_offset(&self, partition: u32) -> Result<u64, LogError>;

    /// What operators have ruled about this log, oldest first.
    async fn rulings(&self) -> Result<Vec<Ruling>, LogError>;

    /// Adds a ruling. Readers that are running do not hear of it: they have stopped where it applies, and read it when they start again.
    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError>;
}

/// Batches of records, in order within each partition.
pub type LogReader = mpsc::Receiver<Result<Vec<LogRecord>, LogError>>;
