//! A second fold of the log: exactly up to its cut, in any order, and gone afterwards.

use std::time::Duration;

use event_store::{Cut, EventStore as _, FollowBatch, ReadAllOptions};
use projections::comparison::{self, KeyRange, Side, TEXT_SETTINGS, TableShape};
use projections::gaps::Gaps;
use projections::leftovers::drop_leftovers;
use projections::read::serving;
use projections::refold::Refold;
use projections::{ProjectorOptions, read_model};
use sqlx::{AssertSqlSafe, PgPool};

use crate::harness::World;
use crate::history::decided_at_random;

const PATIENCE: Duration = Duration::from_secs(30);

fn small_batches() -> ProjectorOptions {
    ProjectorOptions {
        batch_events: 7,
        ..ProjectorOptions::default()
    }
}

async fn begin(world: &World, target: &Cut) -> Refold {
    let epoch = world.store.epoch();
    Refold::begin(
        world.pool.clone(),
        read_model::all(),
        epoch,
        (target.clone(), Gaps::default()),
        small_batches(),
    )
    .await
    .unwrap()
}

/// Everything in the log, one partition after the other, the last first.
async fn take_backwards(world: &World, refold: &mut Refold) {
    let options = ReadAllOptions {
        max_count: 10_000,
        ..ReadAllOptions::default()
    };
    let events = world.store.read_all(&options).await.unwrap();
    let end = world.store.end().await.unwrap();
    for partition in (0..world.store.partitions()).rev() {
        let events = events
            .iter()
            .filter(|event| event.at.partition == partition)
            .cloned()
            .collect();
        let cut = std::iter::once((partition, end.next(partition))).collect();
        refold.take(FollowBatch { events, cut }).await.unwrap();
    }
}

/// Rows that are not equal, with their tables; the sums must say the same as the rows.
async fn unequal(pool: &PgPool, left: &str, right: &str) -> Vec<(&'static str, comparison::RowDifference)> {
    let mut unequal = Vec::new();
    let (mut ours, mut theirs) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    for transaction in [&mut ours, &mut theirs] {
        sqlx::raw_sql(TEXT_SETTINGS).execute(&mut **transaction).await.unwrap();
    }
    let (mut left, mut right) = (
        Side {
            connection: &mut ours,
            schema: left,
        },
        Side {
            connection: &mut theirs,
            schema: right,
        },
    );
    for table in comparison::tables(&read_model::all()) {
        let shape = TableShape::of(table);
        let same = comparison::summarize(&mut left, &shape, &KeyRange::ALL).await.unwrap()
            == comparison::summarize(&mut right, &shape, &KeyRange::ALL).await.unwrap();
        let mut differences = Vec::new();
        comparison::differences(&shape, &KeyRange::ALL, &mut left, &mut right, |difference| {
            differences.push((table.name, difference));
        })
        .await
        .unwrap();
        assert_eq!(
            same,
            differences.is_empty(),
            "hash and rows agree on {}: {differences:?}",
            table.name
        );
        unequal.append(&mut differences);
    }
    unequal
}

#[tokio::test]
async fn a_second_fold_ends_exactly_at_its_cut_whatever_the_order_of_partitions() {
    let history = decided_at_random(3, 400);
    let (earlier, later) = history.split_at(history.len() / 2);
    let world = World::after(earlier.to_vec()).await;
    let served = serving(&mut world.pool.acquire().await.unwrap()).await.unwrap();
    world.append(later.to_vec()).await;

    let mut refold = begin(&world, &served.cut).await;
    take_backwards(&world, &mut refold).await;
    assert!(refold.finish().await.unwrap(), "it came to its cut");
    assert_eq!(unequal(&world.pool, &served.schema, refold.schema()).await, []);

    // With one row changed on one side, that row is what differs.
    let sql = format!(
        "update {}.subject set title = title || '!' where stream = (select max(stream) from {0}.subject)",
        served.schema
    );
    sqlx::query(AssertSqlSafe(sql)).execute(&world.pool).await.unwrap();
    let differences = unequal(&world.pool, &served.schema, refold.schema()).await;
    assert_eq!(differences.len(), 1, "{differences:?}");
    let (table, difference) = &differences[0];
    assert_eq!(*table, "subject");
    assert_ne!(difference.left, difference.right);

    let schema = refold.schema().to_owned();
    refold.drop_generation().await.unwrap();
    assert_eq!(traces(&world.pool, &schema).await, 0);
    let states: Vec<String> = sqlx::query_scalar("select state from control.generation")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(states, ["serving"]);
}

#[tokio::test]
async fn a_fold_that_lacks_the_end_says_so() {
    let world = World::after(decided_at_random(4, 50)).await;
    let mut target = world.store.end().await.unwrap();
    target.raise(1, 1_000_000);
    let mut refold = begin(&world, &target).await;
    take_backwards(&world, &mut refold).await;
    assert!(!refold.finish().await.unwrap());
    refold.drop_generation().await.unwrap();
}

#[tokio::test]
async fn what_a_dead_builder_left_behind_is_removed_and_a_living_one_is_left_alone() {
    let world = World::after(decided_at_random(5, 20)).await;
    let target = world.store.end().await.unwrap();
    let dead = begin(&world, &target).await;
    let dead_schema = dead.schema().to_owned();
    // Its connections end with it, as they would with its process.
    drop(dead);
    let removed = async {
        while drop_leftovers(&world.pool).await.unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, removed)
        .await
        .expect("it is found in time");
    assert_eq!(traces(&world.pool, &dead_schema).await, 0);

    let mut living = begin(&world, &target).await;
    let other = begin(&world, &target).await;
    assert_eq!(drop_leftovers(&world.pool).await.unwrap(), 0);
    other.drop_generation().await.unwrap();
    take_backwards(&world, &mut living).await;
    assert!(living.finish().await.unwrap());
    living.drop_generation().await.unwrap();
}

/// Schemas and rows of a generation.
async fn traces(pool: &PgPool, schema: &str) -> i64 {
    sqlx::query_scalar(
        "select (select count(*) from information_schema.schemata where schema_name = $1)
              + (select count(*) from control.generation where schema_name = $1)",
    )
    .bind(schema)
    .fetch_one(pool)
    .await
    .unwrap()
}
