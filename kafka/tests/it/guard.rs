//! The guard refuses topics that could harm history, and says how to mend them.

use kafka::{GuardError, KafkaLog, OpenError};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

async fn refusal_of(settings: &[(&str, &str)]) -> GuardError {
    let options = crate::servers::topic();
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        .create()
        .unwrap();
    let mut topic = NewTopic::new(&options.topic, 2, TopicReplication::Fixed(1));
    for (name, value) in settings {
        topic = topic.set(name, value);
    }
    for outcome in admin.create_topics([&topic], &AdminOptions::new()).await.unwrap() {
        outcome.unwrap();
    }
    match KafkaLog::open(options).await {
        Err(OpenError::Guard(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("the topic should be refused"),
    }
}

const RIGHT: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("message.timestamp.type", "LogAppendTime"),
];

#[tokio::test]
async fn a_topic_with_wrong_settings_is_refused_with_the_command_that_mends_it() {
    for (setting, value) in [
        ("cleanup.policy", "compact"),
        ("retention.ms", "86400000"),
        ("retention.bytes", "1000000"),
        ("message.timestamp.type", "CreateTime"),
    ] {
        let settings: Vec<_> = RIGHT
            .iter()
            .map(|(name, right)| (*name, if *name == setting { value } else { right }))
            .collect();
        let refusal = refusal_of(&settings).await.to_string();
        assert!(refusal.contains(setting) && refusal.contains(value), "{refusal}");
        assert!(refusal.contains("kafka-configs.sh --bootstrap-server"), "{refusal}");
    }
}

#[tokio::test]
async fn a_new_topic_is_created_right_and_opens_again() {
    let options = crate::servers::topic();
    for _ in 0..2 {
        let log = KafkaLog::open(options.clone()).await.unwrap();
        assert_eq!(event_store::log::Log::partitions(&log), 4);
    }
}
