//! Time travel on a real broker: a time is a cut of partitions, each with its own clock, and the fold up to it is what was there.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_store::journal::postgres::{LogKind, PostgresJournal};
use event_store::log_store::{LogStore, LogStoreOptions};
use event_store::{EventStore, PositionToken};
use projections::comparison::{self, TEXT_SETTINGS};
use projections::travel::{Begun, Journey, Travel, begin, complete_token, locate, models};
use projections::{ProjectorOptions, read_model};
use sqlx::PgPool;

use super::world::World;

/// The store of a world on Kafka whose history is at rest, on a copy of its database.
async fn reopened(world: &World, pool: &PgPool) -> LogStore {
    let kafka = world.kafka.as_ref().unwrap();
    let journal = PostgresJournal::open(pool.clone(), LogKind::Log, kafka.pin.log_id, kafka.pin.partitions)
        .await
        .unwrap();
    LogStore::start(
        kafka.log.clone(),
        Arc::new(journal),
        &kafka.pin,
        LogStoreOptions::default(),
    )
    .await
    .unwrap()
}

async fn travel(pool: &PgPool, store: &dyn EventStore, target: event_store::Cut) -> Travel {
    let journey = Journey {
        target,
        lifetime: Duration::from_hours(1),
        branch: None,
        extends: false,
    };
    let begun = begin(
        pool,
        store.epoch(),
        models(&[]).unwrap(),
        journey,
        &ProjectorOptions::default(),
    )
    .await;
    match begun.unwrap() {
        Begun::Standing(travel) => *travel,
        Begun::Building(mut building) => {
            building.fold(store, |_, _| {}).await.unwrap();
            building.complete().await.unwrap()
        }
    }
}

/// Rows that are not the same in two generations.
async fn different(pool: &PgPool, left: &str, right: &str) -> Vec<String> {
    let (mut ours, mut theirs) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    for transaction in [&mut ours, &mut theirs] {
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut **transaction).await.unwrap();
    }
    let mut different = Vec::new();
    comparison::compare(
        &read_model::all(),
        (&mut ours, left),
        (&mut theirs, right),
        |table, row| {
            different.push(format!("{} {}", table.name, row.key));
        },
    )
    .await
    .unwrap();
    different
}

#[tokio::test]
async fn on_kafka_a_time_and_a_token_are_cuts_and_what_is_extended_is_what_is_folded() {
    let world = World::on_kafka().await;
    let pool = world.copy().await;
    let store = reopened(&world, &pool).await;

    // By the running maximum of each partition, event by event, against the cut.
    let rows: Vec<(i32, i64, DateTime<Utc>)> = sqlx::query_as(
        "select partition, \"offset\", recorded_at from journal.events order by partition, \"offset\", index",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut times: Vec<DateTime<Utc>> = rows.iter().map(|row| row.2).collect();
    times.sort();
    let middle = times[times.len() / 2];
    let located = locate(&pool, &store, middle, |_, _| {}).await.unwrap();
    for (partition, offset, _) in &rows {
        let until = rows.iter().filter(|row| row.0 == *partition && row.1 <= *offset);
        let in_time = until.map(|row| row.2).max().unwrap() <= middle;
        let covered = offset.cast_unsigned() < located.cut.next(partition.cast_unsigned());
        assert_eq!(in_time, covered, "{partition} {offset}: {located:?}");
    }

    // The token of a command names one partition; the others are as they were then.
    let (partition, offset, _) = *rows.iter().find(|row| row.2 == middle).unwrap();
    let token = PositionToken {
        epoch: store.epoch(),
        cut: std::iter::once((partition.cast_unsigned(), offset.cast_unsigned() + 1)).collect(),
        stream: None,
    };
    let (cut, completed) = complete_token(&pool, &store, &token).await.unwrap();
    assert_eq!(cut.next(partition.cast_unsigned()), offset.cast_unsigned() + 1);
    assert_eq!(completed.unwrap().at, middle);

    // From the first event, extended to the end, against what the projector held there.
    let past = travel(&pool, &store, located.cut).await;
    let held = projections::read::serving(&mut pool.acquire().await.unwrap())
        .await
        .unwrap();
    sqlx::query("insert into control.discarded_event values (1, 'task-1', 0, 'type', 'code', 'error', 'for a test')")
        .execute(&pool)
        .await
        .unwrap();
    let now = travel(&pool, &store, held.cut).await;
    assert_eq!(
        different(&pool, &now.generation, &held.schema).await,
        Vec::<String>::new()
    );
    assert_ne!(
        different(&pool, &past.generation, &held.schema).await,
        Vec::<String>::new()
    );
}
