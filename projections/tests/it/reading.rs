//! Snapshots and waits of whoever answers queries.

use std::time::Duration;

use event_store::{Cut, EventStore};
use projections::{ProjectorOptions, ReadError, ServingReader};

use crate::harness::{World, admin_url, run};
use crate::history::{created, decided_at_random, task};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn nothing_serves_before_the_first_projector() {
    let world = World::new().await;
    let reader = ServingReader::new(world.pool.clone(), None);
    assert!(matches!(reader.begin().await, Err(ReadError::NothingServes)));
}

#[tokio::test]
async fn a_snapshot_keeps_rows_and_cut_of_one_moment() {
    let world = World::after(task(1, [created()])).await;
    let reader = ServingReader::new(world.pool.clone(), None);
    let mut snapshot = reader.begin().await.unwrap();
    let cut = snapshot.cut().clone();
    assert_eq!(world.store.behind(&world.store.end().await.unwrap(), &cut), 0);
    assert_eq!(snapshot.epoch(), world.store.epoch());
    assert_eq!(snapshot.schema(), "read_models_1");
    assert!(snapshot.recorded_at().is_some());

    world.append(task(2, [created()])).await;
    world.project(ProjectorOptions::default()).await;
    let seen: (i64,) = sqlx::query_as("select count(*) from read_models_1.task")
        .fetch_one(snapshot.connection())
        .await
        .unwrap();
    assert_eq!(seen.0, 1);
    snapshot.close().await.unwrap();
    assert!(!cut.covers(reader.begin().await.unwrap().cut()));
}

#[tokio::test]
async fn a_snapshot_cannot_write() {
    let world = World::after(task(1, [created()])).await;
    let mut snapshot = ServingReader::new(world.pool.clone(), None).begin().await.unwrap();
    assert!(
        sqlx::query("delete from read_models_1.task")
            .execute(snapshot.connection())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_wait_ends_when_the_rows_are_there_with_and_without_a_projector_in_the_process() {
    let world = World::new().await;
    let running = run(world.service(ProjectorOptions::default()));
    for (number, handle) in (1..).zip([Some(running.handle.clone()), None]) {
        let reader = ServingReader::new(world.pool.clone(), handle);
        world.append(task(number, [created()])).await;
        let end = world.store.end().await.unwrap();
        assert!(reader.wait_until(&end, LONG).await.unwrap());
        let mut snapshot = reader.begin().await.unwrap();
        assert!(snapshot.cut().covers(&end));
        let seen: (i64,) = sqlx::query_as("select count(*) from read_models_1.task")
            .fetch_one(snapshot.connection())
            .await
            .unwrap();
        assert_eq!(u128::try_from(seen.0).unwrap(), number);
    }
    running.stop().await;
}

#[tokio::test]
async fn a_wait_for_what_never_comes_ends_in_time() {
    let world = World::after(task(1, [created()])).await;
    let running = run(world.service(ProjectorOptions::default()));
    let never: Cut = [(0, 1_000_000)].into_iter().collect();
    for handle in [Some(running.handle.clone()), None] {
        let reader = ServingReader::new(world.pool.clone(), handle);
        assert!(!reader.wait_until(&never, Duration::from_millis(80)).await.unwrap());
    }
    running.stop().await;
}

#[tokio::test]
async fn a_snapshot_that_is_given_up_while_it_begins_leaves_no_transaction_behind() {
    let world = World::after(decided_at_random(31, 50)).await;
    // One connection, so that whoever comes next gets the one that was left.
    let options: sqlx::postgres::PgConnectOptions = admin_url().parse().unwrap();
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_with(options.database(&world.database))
        .await
        .unwrap();
    let reader = ServingReader::new(pool.clone(), None);
    for microseconds in (0..100).map(|step| step * 20) {
        let begun = tokio::time::timeout(Duration::from_micros(microseconds), reader.begin()).await;
        drop(begun);
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&pool)
            .await
            .unwrap();
        // What was given up may still be on its way to its end.
        let idle = async {
            loop {
                let state: String = sqlx::query_scalar("select state from pg_stat_activity where pid = $1")
                    .bind(backend)
                    .fetch_one(&world.pool)
                    .await
                    .unwrap();
                if state == "idle" {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(5), idle).await;
        assert!(in_time.is_ok(), "given up after {microseconds} microseconds");
    }
}
