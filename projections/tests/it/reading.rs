//! Snapshots and waits of whoever answers queries.

use std::time::Duration;

use event_store::{Cut, EventStore};
use projections::{ProjectorOptions, ReadError, ServingReader};

use crate::harness::{World, run};
use crate::history::{created, task};

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
