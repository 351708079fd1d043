//! What operators are told.

use projections::ProjectorOptions;

use crate::harness::World;
use crate::history::{created, task};

#[tokio::test]
async fn status_tells_how_far_behind_a_generation_is() {
    let world = World::after(task(1, [created()])).await;
    let level = projections::status(&world.pool, &*world.store).await.unwrap();
    let generation = &level.generations[0];
    assert_eq!(
        (generation.schema.as_str(), generation.state.as_str()),
        ("read_models_1", "serving")
    );
    assert_eq!((generation.lag_offsets, generation.lag_seconds), (0, 0.0));
    let names: Vec<_> = generation.models.iter().map(|model| model.name.as_str()).collect();
    assert_eq!(
        names,
        ["conversation", "message", "task", "execution", "activity", "statistics"]
    );

    world
        .append([task(2, [created()]), task(3, [created()])].into_iter().flatten())
        .await;
    let behind = projections::status(&world.pool, &*world.store).await.unwrap();
    assert_eq!(behind.generations[0].lag_offsets, 2);
    assert!(behind.generations[0].lag_seconds > 0.0);

    world.project(ProjectorOptions::default()).await;
    let level = projections::status(&world.pool, &*world.store).await.unwrap();
    assert_eq!(level.generations[0].lag_offsets, 0);
}
