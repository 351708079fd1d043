//! The log on one topic.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_store::acceptance::Ruling;
use event_store::log::{Log, LogError, LogReader, Pace, Record};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use tokio::sync::Semaphore;

use crate::guard::{self, GuardError};
use crate::options::KafkaOptions;
use crate::producer::CommitProducer;
use crate::{reader, rulings};

/// How long a question for an end offset may take.
const OFFSET_TIMEOUT: Duration = Duration::from_secs(5);
/// Questions for end offsets under way at once; each blocks a thread for a round trip.
const OFFSET_QUESTIONS: usize = 8;

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The topic is not fit to keep history.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// A client cannot be made.
    #[error("the Kafka client cannot be made")]
    Client(#[from] KafkaError),
}

/// Apache Kafka as a log. Opened once a process.
pub struct KafkaLog {
    options: KafkaOptions,
    topic: guard::Topic,
    /// None for a log that is only read.
    producer: Option<CommitProducer>,
    questions: Arc<BaseConsumer>,
    asking: Arc<Semaphore>,
}

impl KafkaLog {
    /// Creates or inspects the topic, then connects.
    pub async fn open(options: KafkaOptions) -> Result<Self, OpenError> {
        let questions: Arc<BaseConsumer> = Arc::new(reader::consumer(&options, Pace::Prompt)?);
        let topic = guard::prepare(&options, &questions).await?;
        rulings::create(&options).await?;
        let producer = CommitProducer::connect(&options, topic.max_message_bytes)?;
        Ok(Self {
            options,
            topic,
            producer: Some(producer),
            questions,
            asking: Arc::new(Semaphore::new(OFFSET_QUESTIONS)),
        })
    }

    /// Opens an existing topic to read it: nothing is created, and appends are refused.
    pub async fn open_to_read(options: KafkaOptions) -> Result<Self, OpenError> {
        let questions: Arc<BaseConsumer> = Arc::new(reader::consumer(&options, Pace::Prompt)?);
        let partitions = guard::look(&options, &questions).await?;
        Ok(Self {
            options,
            topic: guard::Topic {
                partitions,
                max_message_bytes: 0,
            },
            producer: None,
            questions,
            asking: Arc::new(Semaphore::new(OFFSET_QUESTIONS)),
        })
    }

    fn producer(&self) -> Result<&CommitProducer, LogError> {
        let read_only = || LogError::Unavailable("it was opened to be read only".to_owned());
        self.producer.as_ref().ok_or_else(read_only)
    }
}

#[async_trait]
impl Log for KafkaLog {
    fn partitions(&self) -> u32 {
        self.topic.partitions
    }

    fn max_record_bytes(&self) -> usize {
        self.topic.max_message_bytes
    }

    async fn append(&self, partition: u32, record: Record) -> Result<u64, LogError> {
        self.producer()?.append(&self.options.topic, partition, record).await
    }

    fn read(&self, from: Vec<(u32, u64)>, pace: Pace) -> LogReader {
        reader::read(&self.options, from, pace)
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
        Ok(u64::try_from(high).unwrap_or(0))
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
        let producer = self.producer()?;
        producer.append(&rulings::topic(&self.options), 0, record).await?;
        Ok(())
    }
}
