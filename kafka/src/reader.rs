//! Fetching: one thread and one consumer for all partitions, no group, no committed offsets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use event_store::log::{GATHER_FOR, LogError, LogReader, LogRecord, Pace, WORTH_A_READ};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, Timestamp, TopicPartitionList};
use tokio::sync::mpsc;

use crate::options::KafkaOptions;
use crate::seen::SeenEnds;
use progress::Progress;

mod progress;

/// Batches that wait for the receiver.
const BATCHES: usize = 2;
/// Most records in a batch.
const BATCH_RECORDS: usize = 500;
/// Most bytes in a batch, give or take one record.
const BATCH_BYTES: usize = 1 << 20;
/// Of a partition, when a record or two are wanted. A broker sends at least one batch whole.
const PEEKED_BYTES: &str = "4096";
/// How often an idle reader looks whether anybody still listens.
const IDLE_LOOK: Duration = Duration::from_millis(100);

/// What every consumer here needs: manual assignment, every record, no other place to begin than the one asked for.
pub(crate) fn configuration(options: &KafkaOptions) -> ClientConfig {
    let mut config = options.client();
    // librdkafka assigns partitions only to consumers with a group name; nothing is ever committed to it.
    config.set("group.id", "coding-agent-readers");
    config.set("enable.auto.commit", "false");
    config.set("enable.auto.offset.store", "false");
    config.set("isolation.level", "read_uncommitted");
    // An offset that is not there means harmed history, never "start somewhere else".
    config.set("auto.offset.reset", "error");
    config.set("fetch.min.bytes", "1");
    config.set("fetch.wait.max.ms", "100");
    config.set("check.crcs", "true");
    config
}

/// A consumer for manual assignment.
pub(crate) fn consumer(options: &KafkaOptions, pace: &Pace) -> Result<BaseConsumer, KafkaError> {
    let mut config = configuration(options);
    // The default of a second would show as a second of latency whenever the local queue was full once.
    config.set("fetch.queue.backoff.ms", "1");
    // What librdkafka reads ahead for each of the readers of a process, and how much one fetch may bring at once.
    config.set("queued.max.messages.kbytes", "2048");
    config.set("fetch.max.bytes", "2097152");
    config.set("fetch.message.max.bytes", "1048576");
    match pace {
        Pace::Prompt => {}
        Pace::Gathering(_) => {
            // While something waits to be taken, nothing is fetched. Otherwise every record under load is a fetch of its own, for each
            // reader, and the broker spends more on answering them than on writing.
            config.set("queued.min.messages", "1");
            config.set("fetch.queue.backoff.ms", GATHER_FOR.as_millis().to_string());
            // One fetch is under way at a time, and it may lack partitions that were resting when it was sent: they wait until it ends.
            config.set("fetch.wait.max.ms", "20");
        }
        Pace::Peeking => {
            // A megabyte of each partition of a long log would take most of a start.
            config.set("queued.min.messages", "1");
            config.set("fetch.message.max.bytes", PEEKED_BYTES);
        }
    }
    config.create()
}

/// Starts a thread that reads until the receiver is dropped or an error ends it.
pub(crate) fn read(options: &KafkaOptions, from: Vec<(u32, u64)>, pace: Pace, seen: Arc<SeenEnds>) -> LogReader {
    let (sender, receiver) = mpsc::channel(BATCHES);
    let options = options.clone();
    let started = std::thread::Builder::new().name("kafka-reader".to_owned()).spawn({
        let sender = sender.clone();
        move || {
            if let Err(error) = pump(&options, &from, &pace, &seen, &sender) {
                // Nobody listens any more: nobody needs the error.
                let _ = sender.blocking_send(Err(error));
            }
        }
    });
    if let Err(error) = started {
        // The channel is empty, so there is room.
        let _ = sender.try_send(Err(LogError::Unavailable(format!("no thread for the reader: {error}"))));
    }
    receiver
}

type Batches = mpsc::Sender<Result<Vec<LogRecord>, LogError>>;

fn pump(
    options: &KafkaOptions,
    from: &[(u32, u64)],
    pace: &Pace,
    seen: &SeenEnds,
    batches: &Batches,
) -> Result<(), LogError> {
    let unavailable = |error: KafkaError| LogError::Unavailable(error.to_string());
    let consumer = consumer(options, pace).map_err(unavailable)?;
    let mut assignment = TopicPartitionList::new();
    for (partition, offset) in from {
        let offset = Offset::Offset(i64::try_from(*offset).unwrap_or(i64::MAX));
        let partition = i32::try_from(*partition).unwrap_or(i32::MAX);
        assignment
            .add_partition_offset(&options.topic, partition, offset)
            .map_err(unavailable)?;
    }
    consumer.assign(&assignment).map_err(unavailable)?;
    let mut progress = Progress::new(from);
    while !batches.is_closed() {
        let Some(first) = consumer.poll(IDLE_LOOK) else {
            continue;
        };
        let (batch, interruption) = gather(&consumer, first);
        let batch = progress.take(batch);
        for record in &batch {
            seen.raise(record.partition, record.offset + 1);
        }
        let is_small = batch.len() < WORTH_A_READ;
        // What was read before an error is as good as ever.
        if !batch.is_empty() && batches.blocking_send(Ok(batch)).is_err() {
            break;
        }
        if let Some(error) = interruption {
            for harmed in progress.harmed(&consumer, &options.topic, &error)? {
                if batches.blocking_send(Err(harmed)).is_err() {
                    return Ok(());
                }
            }
            if progress.is_over() {
                break;
            }
        }
        if let (true, Pace::Gathering(urgency)) = (is_small, pace) {
            urgency.rest(GATHER_FOR);
        }
    }
    Ok(())
}

/// The message and all that librdkafka already has, within bounds; and the error that came after them.
fn gather(
    consumer: &BaseConsumer,
    first: Result<BorrowedMessage<'_>, KafkaError>,
) -> (Vec<LogRecord>, Option<KafkaError>) {
    let mut batch = Vec::new();
    let mut bytes = 0;
    let mut next = Some(first);
    while let Some(polled) = next {
        match polled {
            Ok(message) => {
                let record = record(&message);
                bytes += record.value.len();
                batch.push(record);
            }
            Err(error) if is_passing(&error) => tracing::debug!(%error, "Kafka is away for a moment"),
            Err(error) => return (batch, Some(error)),
        }
        next = if batch.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
            consumer.poll(Duration::ZERO)
        } else {
            None
        };
    }
    (batch, None)
}

/// librdkafka reports lost connections and goes on by itself.
fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::Resolve
                | RDKafkaErrorCode::NotLeaderForPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::CoordinatorNotAvailable
                | RDKafkaErrorCode::CoordinatorLoadInProgress
                | RDKafkaErrorCode::NotCoordinator
        )
    )
}

pub(crate) fn record(message: &BorrowedMessage<'_>) -> LogRecord {
    let millis = match message.timestamp() {
        Timestamp::CreateTime(millis) | Timestamp::LogAppendTime(millis) => millis,
        Timestamp::NotAvailable => 0,
    };
    let headers = message.headers().map(|headers| {
        let copy = |header: rdkafka::message::Header<'_, &[u8]>| {
            (
                header.key.to_owned(),
                Bytes::copy_from_slice(header.value.unwrap_or_default()),
            )
        };
        headers.iter().map(copy).collect()
    });
    LogRecord {
        partition: u32::try_from(message.partition()).unwrap_or(0),
        offset: u64::try_from(message.offset()).unwrap_or(0),
        recorded_at: DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH),
        key: Bytes::copy_from_slice(message.key().unwrap_or_default()),
        headers: headers.unwrap_or_default(),
        value: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
    }
}
