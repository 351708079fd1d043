//! Kafka without us in front of it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Headers;
use rdkafka::producer::{BaseRecord, DeliveryResult, NoCustomPartitioner, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Message, Offset, TopicPartitionList};

use crate::servers::{PARTITIONS, create_topic, remove_topic};

const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);
/// The records of a topic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TopicContents {
    pub(crate) records: u64,
    /// Keys, headers and values.
    bytes: u64,
}

impl TopicContents {
    pub(crate) fn mean_bytes(self) -> usize {
        usize::try_from(self.bytes / self.records.max(1)).unwrap_or(usize::MAX)
    }
}

/// Reads a topic from its beginning to its present end.
pub(crate) fn contents(brokers: &str, topic: &str) -> Result<TopicContents> {
    let mut config = client(brokers);
    config.set("group.id", "bench").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
    let partitions = metadata.topics().first().map_or(0, |found| found.partitions().len());
    let mut from = TopicPartitionList::new();
    let mut expected = 0;
    for partition in 0..i32::try_from(partitions)? {
        let (low, high) = consumer.fetch_watermarks(topic, partition, PATIENCE)?;
        expected += u64::try_from(high - low)?;
        from.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&from)?;
    let mut found = TopicContents { records: 0, bytes: 0 };
    let deadline = Instant::now() + PATIENCE;
    while found.records < expected {
        ensure!(Instant::now() < deadline, "topic {topic} cannot be read in time");
        let Some(record) = consumer.poll(POLL) else { continue };
        let record = record?;
        let headers = record.headers().into_iter().flat_map(Headers::iter);
        let headers: usize = headers
            .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len))
            .sum();
        found.records += 1;
        found.bytes += u64::try_from(record.key_len() + record.payload_len() + headers)?;
    }
    Ok(found)
}

/// How long a producer with nothing else to do takes for as many records of the mean size.
pub(crate) async fn produce_like(brokers: &str, contents: TopicContents) -> Result<Duration> {
    let producer = RawProducer::new(brokers, "1").await?;
    let record = record_like(contents);
    let started = Instant::now();
    let mut open = 0_u64;
    for number in 0..contents.records {
        open += 1;
        while !producer.send(&record, number)? {
            // Its queue is full: room comes with what is acknowledged.
            producer.wait_for_one()?;
            open -= 1;
        }
    }
    for _ in 0..open {
        producer.wait_for_one()?;
    }
    let taken = started.elapsed();
    producer.remove().await?;
    Ok(taken)
}

/// A producer on a topic of its own, acks=all.
pub(crate) struct RawProducer {
    /// Acknowledgements come by its thread the moment they are there. `BaseProducer::poll` would wait out its whole time
    /// at each call, even when something came, and so pass for a slow Kafka.
    producer: ThreadedProducer<Acknowledgements>,
    acknowledged: Receiver<Result<(), KafkaError>>,
    brokers: String,
    topic: String,
}

impl RawProducer {
    pub(crate) async fn new(brokers: &str, linger_ms: &str) -> Result<Self> {
        let topic = format!("bench-raw-{}", uuid::Uuid::new_v4().simple());
        create_topic(brokers, &topic, PARTITIONS).await?;
        let (sender, acknowledged) = channel();
        let mut config = client(brokers);
        config.set("acks", "all").set("linger.ms", linger_ms);
        let producer = config.create_with_context(Acknowledgements(sender))?;
        Ok(Self {
            producer,
            acknowledged,
            brokers: brokers.to_owned(),
            topic,
        })
    }

    /// Produces one record and waits until it is acknowledged.
    pub(crate) fn round_trip(&self, record: &[u8]) -> Result<Duration> {
        let started = Instant::now();
        ensure!(self.send(record, 0)?, "the queue of an idle producer is full");
        self.wait_for_one()?;
        Ok(started.elapsed())
    }

    pub(crate) async fn remove(self) -> Result<()> {
        remove_topic(&self.brokers, &self.topic).await
    }

    /// Whether there was room for it.
    fn send(&self, value: &[u8], number: u64) -> Result<bool> {
        let partition = i32::try_from(number % u64::from(PARTITIONS.unsigned_abs()))?;
        let record = BaseRecord::<(), [u8]>::to(&self.topic)
            .partition(partition)
            .payload(value);
        match self.producer.send(record) {
            Ok(()) => Ok(true),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => Ok(false),
            Err((error, _)) => Err(error.into()),
        }
    }

    fn wait_for_one(&self) -> Result<()> {
        let acknowledged = self.acknowledged.recv_timeout(PATIENCE);
        Ok(acknowledged.context("Kafka does not acknowledge in time")??)
    }
}

/// Hands over how each record fared.
struct Acknowledgements(Sender<Result<(), KafkaError>>);

impl ClientContext for Acknowledgements {}

impl ProducerContext<NoCustomPartitioner> for Acknowledgements {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let outcome = result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone());
        // Nobody waits any more when the bench has failed.
        let _gone = self.0.send(outcome);
    }
}

/// A record as large as the mean of a topic.
pub(crate) fn record_like(contents: TopicContents) -> Vec<u8> {
    vec![b'x'; contents.mean_bytes()]
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("socket.nagle.disable", "true");
    config
}
