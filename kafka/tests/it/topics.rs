//! Topics as an operator, or an accident, changes them.

use std::time::Duration;

use bytes::Bytes;
use event_store::acceptance::DEFAULT_WINDOW;
use event_store::codec::Pin;
use event_store::log::{Log, LogError, Pace, Record};
use event_store::log_store::open_log;
use kafka::{GuardState, KafkaLog, KafkaOptions, Stop};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long anything may take to be seen, on a machine that compiles at the same time.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The settings of a topic that keeps history.
pub(crate) const RIGHT: [(&str, &str); 5] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("message.timestamp.type", "LogAppendTime"),
    ("unclean.leader.election.enable", "false"),
];

/// A topic with an administrator's rights.
pub(crate) struct Topic {
    pub(crate) options: KafkaOptions,
    admin: AdminClient<DefaultClientContext>,
}

impl Topic {
    pub(crate) fn new(options: KafkaOptions) -> Self {
        let admin = ClientConfig::new()
            .set("bootstrap.servers", &options.brokers)
            .create()
            .unwrap();
        Self { options, admin }
    }

    /// Makes it with these settings, by hand.
    pub(crate) async fn create(&self, settings: &[(&str, &str)]) {
        let partitions = i32::try_from(self.options.partitions).unwrap();
        let mut topic = NewTopic::new(&self.options.topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            topic = topic.set(name, value);
        }
        for outcome in self.admin.create_topics([&topic], &AdminOptions::new()).await.unwrap() {
            outcome.unwrap();
        }
    }

    pub(crate) async fn delete(&self) {
        let outcomes = self
            .admin
            .delete_topics(&[&self.options.topic], &AdminOptions::new())
            .await;
        for outcome in outcomes.unwrap() {
            outcome.unwrap();
        }
    }

    /// Sets everything right but this.
    pub(crate) async fn alter(&self, further: &[(&str, &str)]) {
        // This request puts back to its default what it does not name.
        let mut alter = AlterConfig::new(ResourceSpecifier::Topic(&self.options.topic));
        for (name, value) in RIGHT.iter().chain(further) {
            alter = alter.set(name, value);
        }
        for outcome in self.admin.alter_configs([&alter], &AdminOptions::new()).await.unwrap() {
            outcome.unwrap();
        }
    }

    pub(crate) async fn add_partitions(&self, count: usize) {
        let more = NewPartitions::new(&self.options.topic, count);
        for outcome in self
            .admin
            .create_partitions([&more], &AdminOptions::new())
            .await
            .unwrap()
        {
            outcome.unwrap();
        }
    }

    /// Deletes the records of a partition below an offset.
    pub(crate) async fn delete_records(&self, partition: i32, below: i64) {
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(&self.options.topic, partition, Offset::Offset(below))
            .unwrap();
        let deleted = self.admin.delete_records(&offsets, &AdminOptions::new()).await.unwrap();
        for element in deleted.elements() {
            element.error().unwrap();
        }
    }

    /// Opens it as a node does: the topic, then the pins.
    pub(crate) async fn open(&self) -> (KafkaLog, Pin) {
        let log = KafkaLog::open(self.options.clone()).await.unwrap();
        let pin = open_log(&log, DEFAULT_WINDOW).await.unwrap();
        (log, pin)
    }
}

/// Bytes that are no commit: they take an offset and nothing else.
pub(crate) fn any_record() -> Record {
    Record {
        key: Bytes::from_static(b"any"),
        headers: Vec::new(),
        value: Bytes::from_static(b"{}"),
    }
}

/// Waits until the guard says so.
pub(crate) async fn wait_until(log: &KafkaLog, what: &str, is_so: impl Fn(Option<&Stop>) -> bool) -> GuardState {
    let mut states = log.guard_state();
    let found = tokio::time::timeout(PATIENCE, states.wait_for(|state| is_so(state.stopped.as_ref()))).await;
    match found {
        Ok(state) => state.unwrap().clone(),
        Err(tokio::time::error::Elapsed { .. }) => panic!(
            "the guard does not see {what}: {:?}",
            log.guard_state().borrow().clone()
        ),
    }
}

/// Waits until writes are stopped with all of these words, then sees that an append is refused, and nothing sent.
pub(crate) async fn wait_until_stopped(log: &KafkaLog, words: &[&str]) -> Stop {
    let state = wait_until(log, &words.join(", "), |stop| {
        stop.is_some_and(|stop| words.iter().all(|word| stop.reason.contains(word)))
    })
    .await;
    match log.append(0, any_record()).await {
        Err(LogError::Guarded(_)) => {}
        other => panic!("an append is refused by the guard, not {other:?}"),
    }
    state.stopped.unwrap()
}

/// All records of partition 0, read from its beginning.
pub(crate) async fn records(log: &KafkaLog) -> Vec<event_store::log::LogRecord> {
    let end = usize::try_from(log.end_offset(0).await.unwrap()).unwrap();
    let mut reader = log.read(vec![(0, 0)], Pace::Prompt);
    let mut records = Vec::new();
    while records.len() < end {
        let batch = tokio::time::timeout(PATIENCE, reader.recv()).await.unwrap();
        records.extend(batch.unwrap().unwrap());
    }
    records
}

/// The same record, to be appended elsewhere.
pub(crate) fn copy_of(record: &event_store::log::LogRecord) -> Record {
    let name = |name: &String| &*name.clone().leak();
    Record {
        key: record.key.clone(),
        headers: record
            .headers
            .iter()
            .map(|(key, value)| (name(key), value.clone()))
            .collect(),
        value: record.value.clone(),
    }
}
