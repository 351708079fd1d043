//! The log on one topic.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_store::acceptance::Ruling;
use event_store::codec::Pin;
use event_store::log::{Log, LogError, LogReader, Pace, Record};
use rdkafka::consumer::{BaseConsumer, Consumer};
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use crate::guard::{Guard, GuardError, GuardState, OpenGuardError};
use crate::options::{KafkaOptions, OptionsError};
use crate::producer::CommitProducer;
use crate::{reader, rulings};

/// How long a question for an end offset may take.
const OFFSET_TIMEOUT: Duration = Duration::from_secs(5);
/// Questions for end offsets under way at once; each blocks a thread for a round trip.
const OFFSET_QUESTIONS: usize = 8;

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

/// Apache Kafka as a log. Opened once a process.
pub struct KafkaLog {
    options: KafkaOptions,
    guard: Arc<Guard>,
    watching: AbortHandle,
    producer: CommitProducer,
    questions: Arc<BaseConsumer>,
    asking: Arc<Semaphore>,
}

impl KafkaLog {
    /// Creates or inspects the topic, then connects and begins to watch it.
    pub async fn open(options: KafkaOptions) -> Result<Self, OpenError> {
        options.check()?;
        // Files are read once: a secret that is replaced on disk counts from the next start.
        let options = options.with_files_read()?;
        let questions: Arc<BaseConsumer> =
            Arc::new(reader::consumer(&options, Pace::Prompt).map_err(|error| options.refused_by_client(error))?);
        let guard = Guard::open(&options).await.map_err(|error| match error {
            OpenGuardError::Guard(error) => OpenError::Guard(error),
            OpenGuardError::Client(error) => OpenError::Options(options.refused_by_client(error)),
        })?;
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
            questions,
            asking: Arc::new(Semaphore::new(OFFSET_QUESTIONS)),
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
        let gone = |what: &dyn std::fmt::Display| LogError::Unavailable(what.to_string());
        let permit = Arc::clone(&self.asking)
            .acquire_owned()
            .await
            .map_err(|error| gone(&error))?;
        let (consumer, topic) = (Arc::clone(&self.questions), self.options.topic.clone());
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        let watermarks = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            consumer.fetch_watermarks(&topic, number, OFFSET_TIMEOUT)
        });
        let (_, high) = watermarks
            .await
            .map_err(|error| gone(&error))?
            .map_err(|error| gone(&error))?;
        let end = u64::try_from(high).unwrap_or(0);
        self.guard.seen().raise(partition, end);
        Ok(end)
    }

    async fn rulings(&self) -> Result<Vec<Ruling>, LogError> {
        let gone = |what: &dyn std::fmt::Display| LogError::Unavailable(what.to_string());
        let options = self.options.clone();
        let read = tokio::task::spawn_blocking(move || {
            let consumer = reader::consumer(&options, Pace::Prompt).map_err(|error| gone(&error))?;
            rulings::read(&options, &consumer)
        });
        read.await.map_err(|error| gone(&error))?
    }

    async fn rule(&self, ruling: &Ruling) -> Result<(), LogError> {
        let record = rulings::encode(ruling)?;
        self.producer.append(&rulings::topic(&self.options), 0, record).await?;
        Ok(())
    }
}
