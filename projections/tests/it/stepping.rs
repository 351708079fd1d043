//! Stepping through a history: an as-of that stands is moved on instead of copied.

use event_store::EventStore as _;
use projections::read::serving;
use projections::travel::Journey;
use projections::{ProjectorOptions, ReadError, ServingReader};

use crate::harness::World;
use crate::history::decided_at_random;
use crate::travelling::{building, complete, from_the_first_event, indexes, to};

#[tokio::test]
async fn an_as_of_that_is_moved_shows_what_one_that_was_built_there_would() {
    let history = decided_at_random(18, 400);
    let (earlier, later) = history.split_at(history.len() / 2);
    let world = World::after(earlier.to_vec()).await;
    let held = serving(&mut world.pool.acquire().await.unwrap()).await.unwrap().cut;
    world.append(later.to_vec()).await;
    from_the_first_event(&world).await;
    let first = complete(&world, building(&world, to(&held)).await).await;

    let end = world.store.end().await.unwrap();
    let step = |target| Journey {
        extends: true,
        ..to(target)
    };
    let moving = building(&world, step(&end)).await;
    assert_eq!(
        (moving.generation(), moving.copied()),
        (first.generation.as_str(), None)
    );
    assert!(moving.moved());
    assert_eq!(moving.from(), &held);
    let reader = ServingReader::new(world.pool.clone(), None);
    let asked = reader.begin_travel(&first.generation).await;
    assert!(
        matches!(asked, Err(ReadError::Building { .. })),
        "nobody sees half of it"
    );
    // Its builder is killed, and the next one goes on.
    drop(moving);
    let moving = loop {
        match crate::travelling::start(&world, step(&end)).await {
            Ok(projections::travel::Begun::Building(moving)) => break *moving,
            Ok(projections::travel::Begun::Standing(travel)) => panic!("{travel:?} stands"),
            Err(_its_lock_is_not_free_yet) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(moving.generation(), first.generation);
    let moved = complete(&world, moving).await;
    assert_eq!(moved.cut, end);
    assert_eq!(world.project(ProjectorOptions::default()).await, "read_models_1");
    world.assert_equal(&moved.generation, "read_models_1").await;
    assert_eq!(
        indexes(&world, &moved.generation).await,
        indexes(&world, "read_models_1").await
    );

    // Nothing stands before an earlier cut, so there is nothing to move.
    let back = building(&world, step(&held)).await;
    assert!(!back.moved());
    assert_ne!(back.generation(), moved.generation);
    complete(&world, back).await;
}
