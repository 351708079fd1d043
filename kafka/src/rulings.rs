//! Rulings, in a topic of one partition beside the log.

use std::time::{Duration, Instant};

use event_store::acceptance::Ruling;
use event_store::log::{LogError, Pace, Record};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use crate::options::KafkaOptions;
use crate::reader;

/// How long reading them may take.
const PATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// The topic's name.
pub(crate) fn topic(options: &KafkaOptions) -> String {
    format!("{}.rulings", options.topic)
}

/// Makes the topic when it is missing: kept for ever, as many copies as the log has.
pub(crate) async fn create(options: &KafkaOptions) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> = options.client().create()?;
    let (name, min_insync) = (topic(options), options.min_insync_replicas.to_string());
    let copies = i32::try_from(options.replication_factor).unwrap_or(1);
    let topic = NewTopic::new(&name, 1, TopicReplication::Fixed(copies))
        .set("cleanup.policy", "delete")
        .set("retention.ms", "-1")
        .set("retention.bytes", "-1")
        .set("unclean.leader.election.enable", "false")
        .set("min.insync.replicas", &min_insync);
    let timely = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    match admin.create_topics([&topic], &timely).await?.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => Err(KafkaError::AdminOp(code)),
        _ => Ok(()),
    }
}

/// A ruling as a record.
pub(crate) fn encode(ruling: &Ruling) -> Result<Record, LogError> {
    let value = serde_json::to_vec(ruling).map_err(|error| LogError::Unavailable(error.to_string()))?;
    Ok(Record {
        key: bytes::Bytes::from(format!("{}-{}", ruling.partition, ruling.offset)),
        headers: Vec::new(),
        value: value.into(),
    })
}

/// All of them, from the first to the end as it is now.
pub(crate) async fn read_all(options: &KafkaOptions) -> Result<Vec<Ruling>, LogError> {
    let gone = |what: &dyn std::fmt::Display| LogError::Unavailable(what.to_string());
    let options = options.clone();
    let read = tokio::task::spawn_blocking(move || {
        let consumer = reader::consumer(&options, &Pace::Prompt).map_err(|error| gone(&error))?;
        read(&options, &consumer)
    });
    read.await.map_err(|error| gone(&error))?
}

/// Blocks its thread.
fn read(options: &KafkaOptions, consumer: &BaseConsumer) -> Result<Vec<Ruling>, LogError> {
    let topic = topic(options);
    let unavailable = |error: KafkaError| LogError::Unavailable(format!("topic {topic}: {error}"));
    let (low, high) = consumer.fetch_watermarks(&topic, 0, PATIENCE).map_err(unavailable)?;
    if low != 0 {
        return Err(LogError::Unavailable(format!(
            "topic {topic} begins at offset {low}: rulings were deleted; restore it from a backup"
        )));
    }
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&topic, 0, Offset::Beginning)
        .map_err(unavailable)?;
    consumer.assign(&from).map_err(unavailable)?;
    let deadline = Instant::now() + PATIENCE;
    let mut rulings = Vec::new();
    let mut next = 0;
    while next < high {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                next = message.offset() + 1;
                let ruling = serde_json::from_slice(message.payload().unwrap_or_default());
                rulings.push(ruling.map_err(|error| {
                    LogError::Unavailable(format!("topic {topic} offset {}: not a ruling: {error}", next - 1))
                })?);
            }
            Some(Err(error)) if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) => {
                return Err(unavailable(error));
            }
            _ => {}
        }
        if Instant::now() > deadline {
            return Err(LogError::Unavailable(format!("topic {topic} was not read in time")));
        }
    }
    consumer.unassign().map_err(unavailable)?;
    Ok(rulings)
}
