//! What of the log is not in the rows of a generation is told, and keeps nothing else from being there.

use domain::StreamId;
use event_store::EventStore as _;
use projections::administration::parked;
use projections::{ProjectorOptions, ServingReader};

use crate::harness::{World, at, id};
use crate::history::{created, decided_at_random, started_execution, task};
use crate::travelling::{building, complete, from_the_first_event, to};

#[tokio::test]
async fn streams_that_cannot_be_projected_stand_still_in_an_as_of_and_nothing_else_does() {
    let world = World::after(decided_at_random(16, 200)).await;
    let (painted, headless) = (StreamId::of("task", id(901)), StreamId::of("task", id(902)));
    world.append(task(901, [created()])).await;
    world.append_raw(&painted, "task.painted.v1", "{}", at(5)).await;
    world.append(task(901, [started_execution(1)])).await;
    // This one is found out only when others of its batch are folded already.
    world.append_raw(&headless, "task.deleted.v1", "{}", at(6)).await;
    for number in 903..960 {
        world.append(task(number, [created()])).await;
    }
    from_the_first_event(&world).await;
    let travel = complete(&world, building(&world, to(&world.store.end().await.unwrap())).await).await;
    assert_eq!(travel.parked, 2);
    assert_eq!(world.project(ProjectorOptions::default()).await, "read_models_1");
    world.assert_equal(&travel.generation, "read_models_1").await;

    let reader = ServingReader::new(world.pool.clone(), None);
    let snapshot = reader.begin_travel(&travel.generation).await.unwrap();
    assert!(snapshot.degraded().holds(&painted) && snapshot.degraded().holds(&headless));
    assert_eq!(snapshot.degraded().parked(), 2);
    snapshot.close().await.unwrap();
    let retried = parked::retry(&world.pool, Some(&travel.generation), None).await;
    assert_eq!(retried.unwrap_err().code(), "generation.not-followed");
    assert_eq!(
        parked::retry(&world.pool, None, Some(&painted)).await.unwrap(),
        1,
        "in what serves"
    );
}
