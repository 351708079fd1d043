//! The topic guard: creates the topic right, and refuses one whose settings could harm history.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::options::KafkaOptions;

/// How long an administrative request may take.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(15);
/// While a new topic settles.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Why a topic is not used.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The cluster does not answer.
    #[error("Kafka at {brokers} does not answer")]
    Unreachable {
        /// The bootstrap servers.
        brokers: String,
        /// What librdkafka says.
        source: KafkaError,
    },
    /// A request was refused.
    #[error("Kafka refused to {what}: {reason}")]
    Refused {
        /// The request.
        what: &'static str,
        /// The broker's word.
        reason: String,
    },
    /// A setting could harm history.
    #[error("topic {topic} has {setting} = {found} but needs {needed}; mend it with: {mend}")]
    Setting {
        /// The topic.
        topic: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        needed: String,
        /// The command that makes it so.
        mend: String,
    },
    /// Nothing is there to be read.
    #[error("topic {topic} does not exist at {brokers}; is kafka.topic that of the system?")]
    Missing {
        /// The topic.
        topic: String,
        /// The bootstrap servers.
        brokers: String,
    },
    /// Records are missing from the beginning.
    #[error(
        "partition {partition} of topic {topic} begins at offset {offset}: records were deleted; restore the topic from an export"
    )]
    Truncated {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Its first offset.
        offset: i64,
    },
}

impl GuardError {
    /// A cluster that is still settling says such things.
    fn may_pass(&self) -> bool {
        match self {
            Self::Refused { .. } => true,
            Self::Unreachable { source, .. } => matches!(
                source.rdkafka_error_code(),
                Some(
                    RDKafkaErrorCode::NotLeaderForPartition
                        | RDKafkaErrorCode::LeaderNotAvailable
                        | RDKafkaErrorCode::UnknownTopicOrPartition
                        | RDKafkaErrorCode::UnknownPartition
                )
            ),
            Self::Setting { .. } | Self::Missing { .. } | Self::Truncated { .. } => false,
        }
    }
}

/// What the guard learned about a topic that it found in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topic {
    /// Number of partitions.
    pub partitions: u32,
    /// Largest record in bytes.
    pub max_message_bytes: usize,
}

/// The settings of a topic that keeps history, as given at creation.
const SETTINGS: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("message.timestamp.type", "LogAppendTime"),
    ("unclean.leader.election.enable", "false"),
];

/// Creates the topic if it is missing, then inspects it.
pub async fn prepare(options: &KafkaOptions, consumer: &Arc<BaseConsumer>) -> Result<Topic, GuardError> {
    let admin: AdminClient<DefaultClientContext> = options
        .client()
        .create()
        .map_err(|source| unreachable(options, source))?;
    create(options, &admin).await?;
    // A new topic is known to the controller before every broker leads its partitions.
    let deadline = Instant::now() + ADMIN_TIMEOUT;
    loop {
        match inspect(options, &admin, consumer).await {
            Err(error) if error.may_pass() && Instant::now() < deadline => tokio::time::sleep(LOOK_AGAIN).await,
            settled => return settled,
        }
    }
}

async fn create(options: &KafkaOptions, admin: &AdminClient<DefaultClientContext>) -> Result<(), GuardError> {
    let replication = i32::try_from(options.replication_factor).unwrap_or(1);
    let partitions = i32::try_from(options.partitions).unwrap_or(1);
    let min_insync = options.min_insync_replicas.to_string();
    let mut topic = NewTopic::new(&options.topic, partitions, TopicReplication::Fixed(replication));
    for (name, value) in SETTINGS {
        topic = topic.set(name, value);
    }
    topic = topic.set("min.insync.replicas", &min_insync);
    let outcome = admin
        .create_topics([&topic], &admin_options())
        .await
        .map_err(|source| unreachable(options, source))?;
    match outcome.into_iter().next() {
        Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists)) | Ok(_)) | None => Ok(()),
        Some(Err((_, code))) => Err(GuardError::Refused {
            what: "create the topic",
            reason: code.to_string(),
        }),
    }
}

async fn inspect(
    options: &KafkaOptions,
    admin: &AdminClient<DefaultClientContext>,
    consumer: &Arc<BaseConsumer>,
) -> Result<Topic, GuardError> {
    let resource = ResourceSpecifier::Topic(&options.topic);
    let described = admin
        .describe_configs([&resource], &admin_options())
        .await
        .map_err(|source| unreachable(options, source))?;
    let refused = |reason: String| GuardError::Refused {
        what: "describe the topic",
        reason,
    };
    let described = described
        .into_iter()
        .next()
        .ok_or_else(|| refused("no answer".to_owned()))?;
    let described = described.map_err(|code| refused(code.to_string()))?;
    let value = |name: &str| {
        described
            .get(name)
            .and_then(|entry| entry.value.clone())
            .unwrap_or_default()
    };
    if value("cleanup.policy").is_empty() {
        return Err(refused("the broker does not know it yet".to_owned()));
    }
    for (setting, needed) in SETTINGS {
        let found = value(setting);
        if found != needed {
            return Err(wrong(options, setting, found, needed.to_owned()));
        }
    }
    let min_insync: u32 = value("min.insync.replicas").parse().unwrap_or(0);
    if min_insync < options.min_insync_replicas {
        return Err(wrong(
            options,
            "min.insync.replicas",
            min_insync.to_string(),
            options.min_insync_replicas.to_string(),
        ));
    }
    let (asked, asking) = (options.clone(), Arc::clone(consumer));
    // These questions block a thread for a round trip each.
    let counted = tokio::task::spawn_blocking(move || {
        let partitions = partition_count(&asked, &asking)?;
        check_beginnings(&asked, &asking, partitions)?;
        Ok(partitions)
    });
    let partitions = counted.await.map_err(|error| refused(error.to_string()))??;
    let max_message_bytes = value("max.message.bytes").parse().unwrap_or(1_048_576);
    Ok(Topic {
        partitions,
        max_message_bytes,
    })
}

/// How many partitions an existing topic has. Nothing is created, and settings are not judged: whoever only reads can harm nothing.
pub(crate) async fn look(options: &KafkaOptions, consumer: &Arc<BaseConsumer>) -> Result<u32, GuardError> {
    let (asked, asking) = (options.clone(), Arc::clone(consumer));
    let counted = tokio::task::spawn_blocking(move || partition_count(&asked, &asking));
    let refused = |error: tokio::task::JoinError| GuardError::Refused {
        what: "count the partitions",
        reason: error.to_string(),
    };
    match counted.await.map_err(refused)? {
        Err(GuardError::Refused { .. }) => Err(GuardError::Missing {
            topic: options.topic.clone(),
            brokers: options.brokers.clone(),
        }),
        counted => counted,
    }
}

fn partition_count(options: &KafkaOptions, consumer: &BaseConsumer) -> Result<u32, GuardError> {
    let metadata = consumer
        .fetch_metadata(Some(&options.topic), ADMIN_TIMEOUT)
        .map_err(|source| unreachable(options, source))?;
    let count = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
    match u32::try_from(count) {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(GuardError::Refused {
            what: "count the partitions",
            reason: "the topic has none yet".to_owned(),
        }),
    }
}

fn check_beginnings(options: &KafkaOptions, consumer: &BaseConsumer, partitions: u32) -> Result<(), GuardError> {
    for partition in 0..partitions {
        let number = i32::try_from(partition).unwrap_or(i32::MAX);
        let (low, _) = consumer
            .fetch_watermarks(&options.topic, number, ADMIN_TIMEOUT)
            .map_err(|source| unreachable(options, source))?;
        if low != 0 {
            return Err(GuardError::Truncated {
                topic: options.topic.clone(),
                partition,
                offset: low,
            });
        }
    }
    Ok(())
}

fn wrong(options: &KafkaOptions, setting: &'static str, found: String, needed: String) -> GuardError {
    let topic = options.topic.clone();
    let mend = format!(
        "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {topic} --add-config {setting}={needed}",
        options.brokers
    );
    GuardError::Setting {
        topic,
        setting,
        found,
        needed,
        mend,
    }
}

fn unreachable(options: &KafkaOptions, source: KafkaError) -> GuardError {
    GuardError::Unreachable {
        brokers: options.brokers.clone(),
        source,
    }
}

fn admin_options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ADMIN_TIMEOUT))
        .operation_timeout(Some(ADMIN_TIMEOUT))
}
