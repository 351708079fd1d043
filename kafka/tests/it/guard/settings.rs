//! Settings that are changed under a running log.

use event_store::log::{Log, Pace};

use crate::servers;
use crate::topics::{PATIENCE, Topic, any_record, wait_until, wait_until_stopped};

/// Each setting with the value that harms, and the one that it needs.
const WRONG: [(&str, &str, &str); 7] = [
    ("cleanup.policy", "compact", "delete"),
    ("cleanup.policy", "compact,delete", "delete"),
    ("retention.ms", "86400000", "-1"),
    ("retention.bytes", "1000000", "-1"),
    ("message.timestamp.type", "CreateTime", "LogAppendTime"),
    ("unclean.leader.election.enable", "true", "false"),
    ("max.message.bytes", "1000", "1048588"),
];

#[tokio::test]
async fn a_setting_that_becomes_wrong_stops_writes_until_it_is_mended() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    log.append(0, any_record()).await.unwrap();
    for (setting, wrong, needed) in WRONG {
        topic.alter(&[(setting, wrong)]).await;
        let sentence = format!(
            "topic {} has {setting} = {wrong} but needs {needed}",
            topic.options.topic
        );
        let command = format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config {setting}={needed}",
            topic.options.brokers, topic.options.topic
        );
        let end = log.end_offset(0).await.unwrap();
        let stop = wait_until_stopped(&log, &[&sentence, &command]).await;
        assert!(!stop.is_final, "{stop:?}");
        assert_eq!(log.end_offset(0).await.unwrap(), end, "nothing was sent");

        topic.alter(&[]).await;
        wait_until(&log, "that it was mended", |stop| stop.is_none()).await;
        log.append(0, any_record()).await.unwrap();
    }
}

#[tokio::test]
async fn two_wrong_settings_are_both_named() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    topic
        .alter(&[("retention.ms", "60000"), ("cleanup.policy", "compact")])
        .await;
    wait_until_stopped(&log, &["retention.ms = 60000", "cleanup.policy = compact"]).await;
    topic.alter(&[("retention.ms", "60000")]).await;
    let state = wait_until(&log, "that one of them was mended", |stop| {
        stop.is_some_and(|stop| !stop.reason.contains("cleanup.policy"))
    });
    assert!(state.await.stopped.unwrap().reason.contains("retention.ms = 60000"));
}

#[tokio::test]
async fn readers_go_on_while_writes_are_stopped() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    log.append(0, any_record()).await.unwrap();
    topic.alter(&[("retention.ms", "86400000")]).await;
    wait_until_stopped(&log, &["retention.ms"]).await;
    let mut reader = log.read(vec![(0, 1)], Pace::Prompt);
    let batch = tokio::time::timeout(PATIENCE, reader.recv()).await.unwrap();
    assert_eq!(batch.unwrap().unwrap()[0].offset, 1);
}
