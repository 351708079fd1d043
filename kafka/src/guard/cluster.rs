//! What the guard asks the cluster. Answers only; what they mean is judged elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::log::LogRecord;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigEntry, ConfigSource, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::error::GuardError;
use super::settings::{Described, Settings, of_a_new_topic};
use crate::complaints::Complaints;
use crate::options::KafkaOptions;
use crate::reader;

/// How long a question may take.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// How often the client's own errors are looked at while nothing answers.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a first record is waited for before the deadline is looked at.
const POLL_TIMEOUT: Duration = Duration::from_millis(250);

/// A partition as the cluster's metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartitionLayout {
    pub(super) number: u32,
    pub(super) copies: usize,
}

/// Where the topic lives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) partitions: Vec<PartitionLayout>,
    pub(super) brokers: Vec<i32>,
}

/// Two clients of the guard's own: its questions wait behind nobody's records.
pub(super) struct Cluster {
    options: KafkaOptions,
    admin: AdminClient<DefaultClientContext>,
    consumer: BaseConsumer<Complaints>,
    complaints: Complaints,
}

impl Cluster {
    /// Makes the clients; nothing is asked yet.
    pub(super) fn connect(options: &KafkaOptions) -> Result<Self, KafkaError> {
        let complaints = Complaints::default();
        let mut config = reader::configuration(options);
        // First records are small, and nothing else is read.
        config.set("queued.min.messages", "1");
        config.set("fetch.message.max.bytes", "4096");
        Ok(Self {
            options: options.clone(),
            admin: options.client().create()?,
            consumer: config.create_with_context(complaints.clone())?,
            complaints,
        })
    }

    /// Waits until the cluster lets this program in. Blocks.
    pub(super) fn wait_until_let_in(&self) -> Result<(), GuardError> {
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        let mut attempts = 0;
        loop {
            let topic = Some(self.options.topic.as_str());
            let Err(error) = self.consumer.client().fetch_metadata(topic, ATTEMPT_TIMEOUT) else {
                return Ok(());
            };
            attempts += 1;
            // Polling is what makes the client tell its errors.
            while self.consumer.poll(Duration::ZERO).is_some() {}
            let brokers = self.options.brokers.clone();
            // At first another broker may just be slower than the one that refused.
            if attempts > 1
                && let Some(reason) = self.complaints.about_security()
            {
                return Err(GuardError::Insecure { brokers, reason });
            }
            if Instant::now() >= deadline {
                let reason = self.complaints.last().unwrap_or_else(|| error.to_string());
                return Err(GuardError::Unreachable { brokers, reason });
            }
        }
    }

    /// Creates the topic unless it is there.
    pub(super) async fn create(&self) -> Result<(), GuardError> {
        let options = &self.options;
        let replication = i32::try_from(options.replication_factor).unwrap_or(1);
        let partitions = i32::try_from(options.partitions).unwrap_or(1);
        let settings = of_a_new_topic(options);
        let mut topic = NewTopic::new(&options.topic, partitions, TopicReplication::Fixed(replication));
        for (name, value) in &settings {
            topic = topic.set(name, value);
        }
        let outcome = self.admin.create_topics([&topic], &admin_options()).await;
        match outcome.map_err(|error| self.no_answer(&error))?.into_iter().next() {
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists)) | Ok(_)) | None => Ok(()),
            Some(Err((_, code))) => Err(GuardError::Refused {
                what: "create the topic",
                reason: code.to_string(),
            }),
        }
    }

    /// The topic's settings.
    pub(super) async fn topic_settings(&self) -> Result<Settings, GuardError> {
        let settings = self.describe(ResourceSpecifier::Topic(&self.options.topic)).await?;
        if settings.is_empty() {
            return Err(GuardError::Refused {
                what: "describe the topic",
                reason: "the broker does not know it yet".to_owned(),
            });
        }
        Ok(settings)
    }

    /// The settings of these brokers.
    pub(super) async fn broker_settings(&self, brokers: &[i32]) -> Result<BTreeMap<i32, Settings>, GuardError> {
        let mut all = BTreeMap::new();
        for broker in brokers {
            // Each broker is asked itself: one request takes one of them.
            all.insert(*broker, self.describe(ResourceSpecifier::Broker(*broker)).await?);
        }
        Ok(all)
    }

    async fn describe(&self, resource: ResourceSpecifier<'_>) -> Result<Settings, GuardError> {
        let described = self.admin.describe_configs([&resource], &admin_options()).await;
        let refused = |reason: String| GuardError::Refused {
            what: "describe settings",
            reason,
        };
        let described = described.map_err(|error| self.no_answer(&error))?.into_iter().next();
        let described = described.ok_or_else(|| refused("no answer".to_owned()))?;
        let described = described.map_err(|code| refused(code.to_string()))?;
        let is_topic = matches!(described.specifier, OwnedResourceSpecifier::Topic(_));
        let setting = |entry: ConfigEntry| {
            let is_own = !is_topic || entry.source == ConfigSource::DynamicTopic;
            (
                entry.name,
                Described {
                    value: entry.value.unwrap_or_default(),
                    is_own,
                },
            )
        };
        Ok(described.entries.into_iter().map(setting).collect())
    }

    /// Partitions and brokers; no partitions when the topic is not there. Blocks.
    pub(super) fn layout(&self) -> Result<Layout, GuardError> {
        let metadata = self
            .consumer
            .client()
            .fetch_metadata(Some(&self.options.topic), ANSWER_TIMEOUT)
            .map_err(|error| self.no_answer(&error))?;
        let topic = metadata.topics().first();
        if let Some(error) = topic.and_then(rdkafka::metadata::MetadataTopic::error) {
            let code = RDKafkaErrorCode::from(error);
            if !matches!(
                code,
                RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic
            ) {
                return Err(GuardError::Refused {
                    what: "describe the topic",
                    reason: code.to_string(),
                });
            }
        }
        let partitions = topic.map_or(&[] as &[_], |topic| topic.partitions()).iter();
        Ok(Layout {
            partitions: partitions
                .map(|partition| PartitionLayout {
                    number: u32::try_from(partition.id()).unwrap_or(u32::MAX),
                    copies: partition.replicas().len(),
                })
                .collect(),
            brokers: metadata
                .brokers()
                .iter()
                .map(rdkafka::metadata::MetadataBroker::id)
                .collect(),
        })
    }

    /// First offset and end of a partition. Blocks.
    pub(super) fn bounds(&self, partition: u32, within: Duration) -> Result<(i64, u64), GuardError> {
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        let (low, high) = self
            .consumer
            .client()
            .fetch_watermarks(&self.options.topic, number, within)
            .map_err(|error| self.no_answer(&error))?;
        Ok((low, u64::try_from(high).unwrap_or(0)))
    }

    /// The first records of these partitions, as many as come in time. Blocks.
    pub(super) fn first_records(
        &self,
        partitions: &[u32],
        deadline: Instant,
    ) -> Result<BTreeMap<u32, LogRecord>, GuardError> {
        let mut assignment = TopicPartitionList::new();
        for partition in partitions {
            let number = i32::try_from(*partition).unwrap_or(i32::MAX);
            assignment
                .add_partition_offset(&self.options.topic, number, Offset::Offset(0))
                .map_err(|error| self.no_answer(&error))?;
        }
        self.consumer
            .assign(&assignment)
            .map_err(|error| self.no_answer(&error))?;
        let mut records = BTreeMap::new();
        while records.len() < partitions.len() && Instant::now() < deadline {
            // Errors are about brokers that are away, or about a topic that changes just now: then the records do not come.
            if let Some(Ok(message)) = self.consumer.poll(POLL_TIMEOUT) {
                let record = reader::record(&message);
                if message.offset() == 0 {
                    records.entry(record.partition).or_insert(record);
                }
            }
        }
        self.consumer.unassign().map_err(|error| self.no_answer(&error))?;
        Ok(records)
    }

    fn no_answer(&self, error: &KafkaError) -> GuardError {
        let reason = error
            .rdkafka_error_code()
            .map_or_else(|| error.to_string(), |code| code.to_string());
        GuardError::Unreachable {
            brokers: self.options.brokers.clone(),
            reason,
        }
    }
}

/// Runs something that blocks for round trips.
pub(super) async fn blocking<T: Send + 'static>(
    cluster: &Arc<Cluster>,
    ask: impl FnOnce(&Cluster) -> Result<T, GuardError> + Send + 'static,
) -> Result<T, GuardError> {
    let cluster = Arc::clone(cluster);
    let asked = tokio::task::spawn_blocking(move || ask(&cluster)).await;
    asked.unwrap_or_else(|error| {
        Err(GuardError::Refused {
            what: "answer the guard",
            reason: error.to_string(),
        })
    })
}

fn admin_options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER_TIMEOUT))
        .operation_timeout(Some(ANSWER_TIMEOUT))
}
