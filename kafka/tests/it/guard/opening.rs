//! At the start.

use kafka::{GuardError, KafkaLog, KafkaOptions, OpenError};

use crate::servers;
use crate::topics::{RIGHT, Topic};

async fn refusal(options: KafkaOptions) -> GuardError {
    match KafkaLog::open(options).await {
        Err(OpenError::Guard(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("the topic should be refused"),
    }
}

#[tokio::test]
async fn a_topic_with_wrong_settings_is_refused_with_the_command_that_mends_it() {
    for (setting, value) in [
        ("cleanup.policy", "compact"),
        ("retention.ms", "86400000"),
        ("retention.bytes", "1000000"),
        ("message.timestamp.type", "CreateTime"),
        ("unclean.leader.election.enable", "true"),
    ] {
        let settings: Vec<_> = RIGHT
            .iter()
            .map(|(name, right)| (*name, if *name == setting { value } else { right }))
            .collect();
        let topic = Topic::new(servers::topic());
        topic.create(&settings).await;
        let refusal = refusal(topic.options.clone()).await.to_string();
        assert!(refusal.contains(setting) && refusal.contains(value), "{refusal}");
        assert!(refusal.contains("kafka-configs.sh --bootstrap-server"), "{refusal}");
    }
}

#[tokio::test]
async fn a_new_topic_is_created_right_and_opens_again() {
    let options = servers::topic();
    for _ in 0..2 {
        let log = KafkaLog::open(options.clone()).await.unwrap();
        assert_eq!(event_store::log::Log::partitions(&log), 4);
        let state = log.guard_state().borrow().clone();
        assert_eq!(state.stopped, None);
        assert!(
            !state.advice.iter().any(|advice| advice.contains("defaults")),
            "all that matters is set on the topic itself: {state:?}"
        );
    }
}

#[tokio::test]
async fn a_setting_that_is_right_by_default_only_is_worth_advice() {
    let topic = Topic::new(servers::topic());
    topic.create(&RIGHT[..4]).await;
    let log = KafkaLog::open(topic.options.clone()).await.unwrap();
    let advice = log.guard_state().borrow().advice.clone();
    let inherited = |setting: &str| {
        let mend = format!("--add-config {setting}=");
        advice
            .iter()
            .any(|advice| advice.contains("from the brokers' defaults") && advice.contains(&mend))
    };
    assert!(inherited("unclean.leader.election.enable"), "{advice:?}");
    assert!(inherited("min.insync.replicas"), "{advice:?}");
    assert!(!inherited("retention.ms"), "{advice:?}");
}

#[tokio::test]
async fn fewer_copies_than_configured_are_refused() {
    let topic = Topic::new(servers::topic());
    topic.create(&RIGHT).await;
    let two = |min_insync_replicas| KafkaOptions {
        replication_factor: 2,
        min_insync_replicas,
        ..topic.options.clone()
    };
    let error = refusal(two(1)).await;
    assert!(
        matches!(
            &error,
            GuardError::TooFewCopies {
                found: 1,
                needed: 2,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.to_string().contains("kafka-reassign-partitions.sh"), "{error}");
    let error = refusal(two(2)).await.to_string();
    assert!(error.contains("min.insync.replicas = 1 but needs 2"), "{error}");
}

#[tokio::test]
async fn a_topic_without_its_beginning_is_refused() {
    let topic = Topic::new(servers::topic());
    drop(topic.open().await);
    topic.delete_records(1, 1).await;
    let error = refusal(topic.options.clone()).await;
    assert!(
        matches!(
            error,
            GuardError::Truncated {
                partition: 1,
                offset: 1,
                ..
            }
        ),
        "{error:?}"
    );
}
