//! Producing: each record to its partition, answered when all in-sync replicas have it.

use event_store::log::{LogError, Record};
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, NoCustomPartitioner, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::oneshot;

use crate::options::KafkaOptions;

type Delivery = oneshot::Sender<Result<u64, LogError>>;

/// Tells each append how it was delivered.
struct Deliveries;

impl ClientContext for Deliveries {}

impl ProducerContext<NoCustomPartitioner> for Deliveries {
    type DeliveryOpaque = Box<Delivery>;

    fn delivery(&self, result: &DeliveryResult<'_>, delivery: Self::DeliveryOpaque) {
        let outcome = match result {
            Ok(message) => Ok(u64::try_from(message.offset()).unwrap_or(0)),
            // Even a local time-out may have reached the broker, so nothing here means "not written".
            Err((error, _)) => Err(LogError::Unknown(error.to_string())),
        };
        // An author that stopped waiting needs no answer.
        let _ = delivery.send(outcome);
    }
}

/// A producer with a polling thread of its own.
pub(crate) struct CommitProducer {
    producer: ThreadedProducer<Deliveries>,
    limit: usize,
}

impl CommitProducer {
    pub(crate) fn connect(options: &KafkaOptions, limit: usize) -> Result<Self, KafkaError> {
        let mut config = options.client();
        config.set("acks", "all");
        // Duplicates and reordering are void by the acceptance rule, and an idempotent producer can fail for good.
        config.set("enable.idempotence", "false");
        config.set("linger.ms", options.linger_ms.to_string());
        config.set("message.timeout.ms", options.delivery_timeout_ms.to_string());
        config.set("message.max.bytes", limit.to_string());
        // librdkafka sends one request for each partition that has something. Without a bound every record under load is a request of its
        // own; while some are under way the next records gather.
        config.set(
            "max.in.flight.requests.per.connection",
            options.requests_in_flight.to_string(),
        );
        // The log store bounds the bytes in flight; this is the net below it.
        config.set("queue.buffering.max.kbytes", "131072");
        config.set("queue.buffering.max.messages", "200000");
        Ok(Self {
            producer: config.create_with_context(Deliveries)?,
            limit,
        })
    }

    pub(crate) async fn append(&self, topic: &str, partition: u32, record: Record) -> Result<u64, LogError> {
        let bytes = record.size();
        let (delivery, delivered) = oneshot::channel();
        let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
        for (key, value) in &record.headers {
            headers = headers.insert(Header {
                key,
                value: Some(value.as_ref()),
            });
        }
        let to_send = BaseRecord::with_opaque_to(topic, Box::new(delivery))
            .partition(i32::try_from(partition).unwrap_or(i32::MAX))
            .key(record.key.as_ref())
            .payload(record.value.as_ref())
            .headers(headers);
        if let Err((error, _)) = self.producer.send(to_send) {
            return Err(match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => LogError::TooLarge {
                    bytes,
                    limit: self.limit,
                },
                _ => LogError::Unavailable(error.to_string()),
            });
        }
        delivered
            .await
            .unwrap_or_else(|_| Err(LogError::Unknown("the producer was shut down".to_owned())))
    }
}
