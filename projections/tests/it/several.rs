//! Several projectors on one generation.

use std::sync::Arc;

use event_store::postgres::PostgresStore;
use projections::{ProjectorOptions, ProjectorService};

use crate::harness::{Running, World, connect, run};
use crate::history::decided_at_random;

/// A projector with connections of its own, as another process has.
async fn another(world: &World) -> Running {
    let pool = connect(&world.database).await;
    let store = Arc::new(PostgresStore::open(pool.clone(), 1).await.unwrap());
    let options = ProjectorOptions {
        batch_events: 10,
        rebuild_batch_events: 10,
        look_ms: 20,
        ..ProjectorOptions::default()
    };
    run(ProjectorService::new(store, pool, options))
}

#[tokio::test]
async fn two_projectors_at_once_apply_every_event_once() {
    let world = World::new().await;
    let first = another(&world).await;
    let second = another(&world).await;
    for event in decided_at_random(5, 400) {
        world.append([event]).await;
    }
    world.level(&first).await;
    world.level(&second).await;
    assert_eq!(first.stop().await, second.stop().await);
    let replayed = world.replay("replay", ProjectorOptions::default()).await;
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&replayed).await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_hide_no_event_from_a_projector() {
    let world = Arc::new(World::new().await);
    let running = run(world.service(ProjectorOptions {
        batch_events: 50,
        rebuild_batch_events: 50,
        ..ProjectorOptions::default()
    }));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..16_u128 {
        let world = world.clone();
        writers.spawn(async move {
            for number in 0..20 {
                world
                    .append(crate::history::task(
                        writer * 100 + number + 1,
                        [crate::history::created()],
                    ))
                    .await;
            }
        });
    }
    writers.join_all().await;
    world.level(&running).await;
    let schema = running.stop().await;
    assert_eq!(world.rows(&schema, "task").await.len(), 320);
    assert_eq!(world.rows(&schema, "activity").await.len(), 320);
    let counted: (i64,) = sqlx::query_as("select sum(tasks)::bigint from read_models_1.statistics")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(counted.0, 320);
}
