//! History that is harmed under a running log. Nothing of it is mended by a setting.

use event_store::log::{Log, LogError};

use crate::servers;
use crate::topics::{RIGHT, Topic, any_record, copy_of, records, wait_until, wait_until_stopped};

#[tokio::test]
async fn deleted_records_stop_writes_for_good() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    for _ in 0..3 {
        log.append(2, any_record()).await.unwrap();
    }
    topic.delete_records(2, 2).await;
    let stop = wait_until_stopped(&log, &["partition 2", "begins at offset 2 but must begin at 0"]).await;
    assert!(stop.is_final, "{stop:?}");
}

#[tokio::test]
async fn added_partitions_stop_writes_for_good() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    topic.add_partitions(6).await;
    let stop = wait_until_stopped(&log, &["has 6 partitions but needs 4"]).await;
    assert!(stop.is_final, "{stop:?}");
}

#[tokio::test]
async fn a_topic_made_again_by_another_installation_is_recognised_by_its_pins() {
    let topic = Topic::new(servers::watched_topic());
    let (log, pin) = topic.open().await;
    topic.delete().await;
    let (_other, other_pin) = topic.open().await;
    assert_ne!(pin.log_id, other_pin.log_id);
    let (found, needed) = (
        format!("begins with the pin of log {}", other_pin.log_id),
        format!("needs the pin of log {}", pin.log_id),
    );
    let stop = wait_until_stopped(&log, &[&found, &needed]).await;
    assert!(stop.is_final, "{stop:?}");
}

#[tokio::test]
async fn a_topic_made_again_with_foreign_records_is_recognised() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    topic.delete().await;
    let again = kafka::KafkaLog::open(topic.options.clone()).await.unwrap();
    for partition in 0..4 {
        again.append(partition, any_record()).await.unwrap();
    }
    let stop = wait_until_stopped(&log, &["begins with a record that is no pin"]).await;
    assert!(stop.is_final, "{stop:?}");
}

#[tokio::test]
async fn an_empty_topic_in_the_place_of_the_log_stops_writes() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    topic.delete().await;
    topic.create(&RIGHT).await;
    wait_until_stopped(&log, &["ends at offset 0 but this process has seen it end at 1"]).await;
    // A broker may say so by mistake, so it counts when it is found again and again.
    wait_until(&log, "that it is no mistake", |stop| {
        stop.is_some_and(|stop| stop.is_final)
    })
    .await;
}

#[tokio::test]
async fn a_copy_that_lacks_the_end_is_recognised_though_its_pins_are_right() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    for _ in 0..3 {
        log.append(0, any_record()).await.unwrap();
    }
    let kept = records(&log).await;
    topic.delete().await;
    let copy = kafka::KafkaLog::open(topic.options.clone()).await.unwrap();
    for partition in 0..4 {
        copy.append(partition, copy_of(&kept[0])).await.unwrap();
    }
    wait_until_stopped(
        &log,
        &["partition 0", "ends at offset 1 but this process has seen it end at 4"],
    )
    .await;
    wait_until(&log, "that it is no mistake", |stop| {
        stop.is_some_and(|stop| stop.is_final)
    })
    .await;
    // Somebody else writes over what was lost; this process knows better.
    for _ in 0..4 {
        copy.append(0, any_record()).await.unwrap();
    }
    topic.alter(&[("retention.ms", "86400000")]).await;
    wait_until_stopped(&log, &["ends at offset 1", "retention.ms"]).await;
}

#[tokio::test]
async fn a_deleted_topic_stops_writes() {
    let topic = Topic::new(servers::watched_topic());
    let (log, _) = topic.open().await;
    topic.delete().await;
    wait_until_stopped(&log, &["is not there any more"]).await;
    assert!(matches!(log.append(1, any_record()).await, Err(LogError::Guarded(_))));
}
