//! Creating control tables and generations.

use projections::ProjectorOptions;
use sqlx::AssertSqlSafe;

use crate::harness::{World, connect, run};
use crate::history::{created, task};

#[tokio::test]
async fn many_processes_migrate_and_create_one_generation() {
    let world = World::new().await;
    sqlx::query(AssertSqlSafe("drop schema control cascade".to_owned()))
        .execute(&world.pool)
        .await
        .unwrap();
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let pool = connect(&world.database).await;
        let store = world.store.clone();
        starts.spawn(async move {
            projections::migrate(&pool).await.unwrap();
            let projectors = projections::read_model::all();
            let epoch = event_store::EventStore::epoch(&*store);
            projections::generation::find_or_create(&pool, &projectors, epoch, 4)
                .await
                .unwrap()
                .schema
        });
    }
    let schemas = starts.join_all().await;
    assert!(schemas.iter().all(|schema| schema == "read_models_1"), "{schemas:?}");
}

#[tokio::test]
async fn the_first_generation_serves_at_once_and_a_second_does_not() {
    let world = World::after(task(1, [created()])).await;
    world.replay("other", ProjectorOptions::default()).await;
    let states: Vec<(String, String)> = sqlx::query_as("select schema_name, state from control.generation order by id")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(states[0], ("read_models_1".to_owned(), "serving".to_owned()));
    assert_eq!(states[1].0, "read_models_2");
    // Complete or not, it waits to be promoted.
    assert!(["building", "following"].contains(&states[1].1.as_str()), "{states:?}");
}

#[tokio::test]
async fn a_restarted_projector_goes_on_with_its_generation() {
    let world = World::after(task(1, [created()])).await;
    let running = run(world.service(ProjectorOptions::default()));
    world.append(task(2, [created()])).await;
    world.level(&running).await;
    assert_eq!(running.stop().await, "read_models_1");
    assert_eq!(world.serving("task").await.len(), 2);
}

#[tokio::test]
async fn a_moved_checkpoint_refuses_the_write() {
    use projections::checkpoint::CheckpointMove;
    use projections::coalesce::CoalescedChanges;
    use projections::write::Writer;

    let world = World::new().await;
    let projectors = projections::read_model::all();
    let epoch = event_store::EventStore::epoch(&*world.store);
    let generation = projections::generation::find_or_create(&world.pool, &projectors, epoch, 4)
        .await
        .unwrap();
    let mut writer = Writer::new(world.pool.clone(), generation, true);
    let advance = CheckpointMove {
        to: [(0, 5), (1, 7)].into_iter().collect(),
        ..CheckpointMove::default()
    };
    writer.write(CoalescedChanges::default(), &advance).await.unwrap();
    let again = writer.write(CoalescedChanges::default(), &advance).await.unwrap_err();
    assert_eq!(again.code(), "projection.checkpoint-moved");
}
