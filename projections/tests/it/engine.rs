//! Exactly once: live, replayed, crashed, split differently.

use projections::{ProjectorOptions, ProjectorService, ProjectorState};

use crate::harness::{World, connect_as, run};
use crate::history::decided_at_random;

fn batches_of(batch_events: usize) -> ProjectorOptions {
    ProjectorOptions {
        batch_events,
        rebuild_batch_events: batch_events,
        ..ProjectorOptions::default()
    }
}

#[tokio::test]
async fn rows_follow_while_events_come_and_equal_a_replay_from_zero() {
    let world = World::new().await;
    let live = run(world.service(ProjectorOptions::default()));
    for event in decided_at_random(1, 400) {
        world.append([event]).await;
    }
    world.level(&live).await;
    let live = live.stop().await;
    let replayed = world.replay("replay", ProjectorOptions::default()).await;
    assert_ne!(live, replayed);
    assert_eq!(world.everything(&live).await, world.everything(&replayed).await);
    assert!(world.rows(&live, "task").await.len() > 1);
    assert!(world.rows(&live, "message").await.len() > 1);
    assert!(world.rows(&live, "execution_log").await.len() > 1);
}

#[tokio::test]
async fn the_size_of_batches_does_not_show_in_the_rows() {
    let world = World::after(decided_at_random(2, 300)).await;
    let expected = world.everything("read_models_1").await;
    for (name, size) in [("one", 1), ("seven", 7), ("all", 100_000)] {
        let replayed = world.replay(name, batches_of(size)).await;
        assert_eq!(world.everything(&replayed).await, expected, "batches of {size}");
    }
}

#[tokio::test]
async fn a_crash_anywhere_loses_and_doubles_nothing() {
    let world = World::new().await;
    world.append(decided_at_random(3, 400)).await;
    let end = event_store::EventStore::end(&*world.store).await.unwrap();
    let mut crashes = 0;
    loop {
        // Each crash comes when the checkpoint has moved at least once, so that the loop ends.
        let running = run(world.service(batches_of(9)));
        let from = {
            running
                .until(|progress| progress.state == ProjectorState::Following)
                .await;
            running.handle.progress().cut
        };
        if event_store::EventStore::behind(&*world.store, &end, &from) == 0 {
            running.stop().await;
            break;
        }
        running.until(|progress| progress.cut != from).await;
        running.crash().await;
        crashes += 1;
    }
    assert!(crashes > 3, "{crashes} crashes");
    let replayed = world.replay("replay", ProjectorOptions::default()).await;
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&replayed).await
    );
}

#[tokio::test]
async fn lost_connections_are_survived_and_change_nothing() {
    let world = World::new().await;
    // The projector has connections of its own, so that ending them does not meet the writers.
    let pool = connect_as(&world.database, PROJECTOR).await;
    let running = run(ProjectorService::new(world.store.clone(), pool, batches_of(5)));
    for (number, event) in (0..).zip(decided_at_random(4, 300)) {
        world.append([event]).await;
        if number % 40 == 20 {
            terminate_projector(&world).await;
        }
    }
    world.level(&running).await;
    running
        .until(|progress| progress.state == ProjectorState::Following)
        .await;
    let live = running.stop().await;
    let replayed = world.replay("replay", ProjectorOptions::default()).await;
    assert_eq!(world.everything(&live).await, world.everything(&replayed).await);
}

const PROJECTOR: &str = "projector";

/// Ends the sessions that write generations, as a restart of the server would.
async fn terminate_projector(world: &World) {
    sqlx::query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = $1")
        .bind(PROJECTOR)
        .execute(&world.pool)
        .await
        .unwrap();
}
