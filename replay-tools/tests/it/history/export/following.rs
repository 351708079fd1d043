//! An export before its log.

use std::collections::BTreeSet;
use std::time::Duration;

use event_store::{Cut, EventStore, RecordedEvent};
use replay_tools::history::export::{ExportedStore, Manifest};
use replay_tools::history::import::ImportTarget;
use sqlx::PgPool;

use super::{PATIENCE, empty_kafka, empty_postgresql, exported};
use crate::history::world::{PARTITIONS, append, renamed, started, stream};

/// Everything until the follower has covered `end`.
async fn followed(store: &dyn EventStore, from: &Cut, partitions: &BTreeSet<u32>, end: &Cut) -> Vec<RecordedEvent> {
    let mut follow = store.follow_partitions(from.clone(), partitions.clone()).await.unwrap();
    let mut reached = from.clone();
    let mut events = Vec::new();
    while !reached.covers(&end.of_partitions(partitions)) {
        let batch = tokio::time::timeout(PATIENCE, follow.next())
            .await
            .expect("in time")
            .unwrap();
        assert!(
            batch.cut.iter().all(|(partition, _)| partitions.contains(&partition)),
            "{:?}",
            batch.cut
        );
        for event in &batch.events {
            assert!(batch.cut.next(event.at.partition) > event.at.offset);
            assert!(event.at.offset >= reached.next(event.at.partition), "none comes twice");
        }
        reached.merge(&batch.cut);
        events.extend(batch.events);
    }
    events
}

fn by_partition(mut events: Vec<RecordedEvent>) -> Vec<String> {
    events.sort_by_key(|event| event.at);
    // A log elsewhere knows no positions, and its JSON is as it was written: `jsonb` has put it in order.
    let value = |event: &RecordedEvent| serde_json::from_str::<serde_json::Value>(event.data.get()).unwrap();
    events
        .iter()
        .map(|event| {
            format!(
                "{:?} {} {} {} {} {} {} {:?} {}",
                event.at,
                event.stream,
                event.revision,
                event.id,
                event.event_type,
                event.time,
                event.recorded_at,
                event.metadata,
                value(event)
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_an_export_and_its_log_sees_what_the_log_has_each_event_once() {
    let (kafka, stop) = empty_kafka().await;
    for target in [empty_postgresql(PARTITIONS).await, kafka] {
        let ImportTarget { store, pool } = target;
        for number in 1..=8 {
            append(
                &*store,
                &stream(number),
                "a",
                vec![started("a"), renamed("b"), renamed("c")],
            )
            .await;
        }
        journaled(&*store, &pool).await;
        let (_folder, export) = exported(&pool).await;
        for number in 5..=12 {
            append(&*store, &stream(number), "z", vec![started("y"), renamed("z")]).await;
        }
        let end = store.end().await.unwrap();
        let before = ExportedStore::open(store.clone(), &export).unwrap();
        let all: BTreeSet<u32> = (0..PARTITIONS).collect();
        let some: BTreeSet<u32> = [1, 3].into();
        let middle: Cut = all
            .iter()
            .map(|partition| (*partition, end.next(*partition) / 3))
            .collect();
        for (from, partitions) in [
            (Cut::start(), &all),
            (middle, &all),
            (Cut::start(), &some),
            (before.cut().clone(), &all),
        ] {
            let expected = followed(&*store, &from, partitions, &end).await;
            let found = followed(&before, &from, partitions, &end).await;
            assert_eq!(
                by_partition(found),
                by_partition(expected),
                "from {from:?} of {partitions:?}"
            );
        }
        // What was exported is not read from the log.
        let expected = followed(&*store, &Cut::start(), &all, &end).await;
        assert_eq!(store.epoch(), Manifest::read(&export).unwrap().log.epoch);
        if sqlx::query_scalar::<_, String>("select log_kind from journal.head")
            .fetch_one(&pool)
            .await
            .unwrap()
            == "postgresql"
        {
            sqlx::raw_sql("delete from journal.events where position <= 24")
                .execute(&pool)
                .await
                .unwrap();
            let found = followed(&before, &Cut::start(), &all, &end).await;
            assert_eq!(by_partition(found), by_partition(expected));
        }
        let other = empty_postgresql(PARTITIONS).await;
        let Err(error) = ExportedStore::open(other.store, &export) else {
            panic!("another log is refused");
        };
        assert_eq!(error.code(), "export.other-log");
    }
    stop.cancel();
}

/// Waits until the journal has all of the log.
async fn journaled(store: &dyn EventStore, pool: &PgPool) {
    let end = store.end().await.unwrap();
    let level = async {
        loop {
            let rows: Vec<(i32, i64)> = sqlx::query_as("select partition, next_offset from journal.checkpoints")
                .fetch_all(pool)
                .await
                .unwrap();
            let reached: Cut = rows
                .into_iter()
                .map(|(partition, next)| (u32::try_from(partition).unwrap(), u64::try_from(next).unwrap()))
                .collect();
            if reached.iter().next().is_none() || reached.covers(&end) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, level)
        .await
        .expect("the journal is level in time");
}
