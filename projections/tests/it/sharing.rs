//! Processes that share a generation by its partitions.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::postgres::PostgresStore;
use projections::{ProjectorOptions, ProjectorService};

use crate::harness::{PATIENCE, Running, World, connect, run};
use crate::history::decided_at_random;

const PARTITIONS: u32 = 4;

fn options() -> ProjectorOptions {
    ProjectorOptions {
        look_ms: 20,
        lag_interval_ms: 20,
        batch_events: 20,
        rebuild_batch_events: 20,
        ..ProjectorOptions::default()
    }
}

/// A projector with connections of its own, as another process has.
async fn process(world: &World, options: ProjectorOptions) -> Running {
    let pool = connect(&world.database).await;
    let store = Arc::new(PostgresStore::open(pool.clone(), 1).await.unwrap());
    run(ProjectorService::new(store, pool, options))
}

fn held(running: &Running) -> BTreeSet<u32> {
    running.handle.progress().held
}

/// Waits until these have everything, each about as much as the others, and nothing twice.
async fn shared(processes: &[&Running]) {
    let all: BTreeSet<u32> = (0..PARTITIONS).collect();
    let fair = async {
        loop {
            let shares: Vec<_> = processes.iter().map(|running| held(running)).collect();
            let sizes = shares.iter().map(BTreeSet::len);
            let union: BTreeSet<u32> = shares.iter().flatten().copied().collect();
            let spread = sizes.clone().max().unwrap() - sizes.clone().min().unwrap();
            if union == all && sizes.sum::<usize>() == all.len() && spread <= 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, fair).await;
    let shares: Vec<_> = processes.iter().map(|running| held(running)).collect();
    assert!(in_time.is_ok(), "{shares:?}");
}

async fn assert_whole(world: &World) {
    let replayed = world.replay("replay", ProjectorOptions::default()).await;
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&replayed).await
    );
}

#[tokio::test]
async fn processes_come_and_go_and_share_the_partitions() {
    let world = World::new().await;
    let mut history = decided_at_random(21, 600).into_iter();
    let first = process(&world, options()).await;
    shared(&[&first]).await;
    let second = process(&world, options()).await;
    world.append(history.by_ref().take(200)).await;
    shared(&[&first, &second]).await;
    let third = process(&world, options()).await;
    world.append(history.by_ref().take(200)).await;
    shared(&[&first, &second, &third]).await;
    first.stop().await;
    shared(&[&second, &third]).await;
    world.append(history).await;
    world.level(&second).await;
    world.level(&third).await;
    second.stop().await;
    third.stop().await;
    assert_whole(&world).await;
}

#[tokio::test]
async fn the_partitions_of_a_process_that_dies_move_within_five_seconds() {
    let world = World::new().await;
    // As they are by default.
    let defaults = ProjectorOptions::default();
    let first = process(&world, defaults.clone()).await;
    let second = process(&world, defaults).await;
    shared(&[&first, &second]).await;
    let died = Instant::now();
    first.crash().await;
    world.append(decided_at_random(22, 100)).await;
    shared(&[&second]).await;
    world.level(&second).await;
    assert!(died.elapsed() < Duration::from_secs(5), "{:?}", died.elapsed());
    second.stop().await;
    assert_whole(&world).await;
}

#[tokio::test]
async fn a_process_that_does_not_look_in_is_replaced_and_what_it_writes_is_refused() {
    let world = World::new().await;
    // It lives, but is never seen again after its first look.
    let hanging = process(
        &world,
        ProjectorOptions {
            look_ms: 600_000,
            ..options()
        },
    )
    .await;
    shared(&[&hanging]).await;
    let other = process(
        &world,
        ProjectorOptions {
            lease_ms: 200,
            ..options()
        },
    )
    .await;
    let all: BTreeSet<u32> = (0..PARTITIONS).collect();
    other.until(|progress| progress.held == all).await;
    // Both write now; the fence decides.
    world.append(decided_at_random(23, 300)).await;
    world.level(&other).await;
    hanging.stop().await;
    other.stop().await;
    assert_whole(&world).await;
}

#[tokio::test]
async fn a_generation_is_built_by_several_processes_and_lanes_alike() {
    let world = World::after(decided_at_random(24, 600)).await;
    let expected = world.everything("read_models_1").await;
    for lanes in [1, 2, 3, 9] {
        let options = ProjectorOptions {
            lanes,
            rebuild_lanes: lanes,
            ..options()
        };
        let name: &'static str =
            ["one", "two", "three", "nine"][[1, 2, 3, 9].iter().position(|n| *n == lanes).unwrap()];
        let replayed = world.replay(name, options).await;
        assert_eq!(world.everything(&replayed).await, expected, "{lanes} lanes");
    }
}
