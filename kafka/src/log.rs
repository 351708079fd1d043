//! The log on one topic.

use std::sync::Arc;

use async_trait::async_trait;
use event_store::acceptance::Ruling;
use event_store::codec::Pin;
use event_store::log::{Log, LogError, LogReader, Pace, Record};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::ends::Ends;
use crate::guard::{Guard, GuardError, GuardState, OpenGuardError};
use crate::options::{KafkaOptions, OptionsError};
use crate::producer::CommitProducer;
use crate::{reader, rulings};

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The options cannot be used.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The topic is not fit to keep history, or the cluster cannot be asked.
    #[error(transparent)]
    Guard(#[from] GuardError),
}

impl OpenError {
    pub(crate) fn of_guard(options: &KafkaOptions, error: OpenGuardError) -> Self {
        match error {
            OpenGuardError::Guard(error) => Self::Guard(error),
            OpenGuardError::Client(error) => Self::Options(options.refused_by_client(error)),
        }
    }
}

/// Apache Kafka as a log. Opened once a process.
pub struct KafkaLog {
    options: KafkaOptions,
    guard: Arc<Guard>,
    watching: AbortHandle,
    producer: CommitProducer,
    ends: Ends,
}

impl KafkaLog {
    /// Creates or inspects the topic, then connects and begins to watch it.
    pub async fn open(options: KafkaOptions) -> Result<Self, OpenError> {
        options.check()?;
        // Files are read once: a secret that is replaced on disk counts from the next start.
        let options = options.with_files_read()?;
        let ends = Ends::of(&options)?;
        let guard = Guard::open(&options)
            .await
            .map_err(|error| OpenError::of_guard(&options, error))?;
        rulings::create(&options)
            .await
            .map_err(|error| options.refused_by_client(error))?;
        let producer = CommitProducer::connect(&options, guard.topic().max_message_bytes)
            .map_err(|error| options.refused_by_client(error))?;
        let guard = Arc::new(guard);
        let watching = tokio::spawn(Arc::clone(&guard).watch()).abort_handle();
        Ok(Self {
            options,
            guard,
            watching,
            producer,
            ends,
        })
    }

    /// Whether the topic guard lets writes through, now and whenever that changes.
    pub fn guard_state(&self) -> watch::Receiver<GuardState> {
        self.guard.state()
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn partitions(&self) -> u32 {
        self.guard.topic().partitions
    }

    fn max_record_bytes(&self) -> usize {
        self.guard.topic().max_message_bytes
    }

    fn pinned(&self, pin: &Pin) {
        self.guard.pin(pin);
    }

    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError> {
        self.guard.check()?;
        let offset = self.producer.append(&self.options.topic, partition, record).await?;
        self.guard.seen().raise(partition, offset + 1);
        Ok(offset)
    }

    fn read(&self, from: Vec<(u32, u64)>, pace: Pace) -> LogReader {
        reader::read(&self.options, from, pace, Arc::clone(self.guard.seen()))
    }

    async fn end_offset(&self, partition: u32) -> Result<u64, LogError> {
        let end = self.ends.end(partition).await?;
        self.guard.seen().raise(partition, end);
        Ok(end)
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        rulings::read_all(&self.options).await
    }

    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError> {
        let record = rulings::encode(ruling)?;
        self.producer.append(&rulings::topic(&self.options), 0, record).await?;
        Ok(())
    }
}
