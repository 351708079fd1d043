//! A generation that is filled beside the one that serves.

use std::time::Duration;

use projections::ProjectorOptions;

use crate::administrator::{followed, options, tasks};
use crate::harness::{World, run};
use crate::history::{created, task};

/// A generation as small as those here is filled in far less.
const LONGER_THAN_A_REBUILD: Duration = Duration::from_secs(1);

impl World {
    pub(crate) async fn indexes(&self, schema: &str) -> Vec<String> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "select replace(indexdef, schemaname || '.', '') from pg_indexes where schemaname = $1 order by 1",
        )
        .bind(schema)
        .fetch_all(&self.pool)
        .await
        .unwrap();
        rows.into_iter().map(|(definition,)| definition).collect()
    }
}

#[tokio::test]
async fn a_rebuild_ends_equal_to_what_serves_with_all_indexes_and_is_kept_level() {
    let (world, running) = followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    assert_eq!(rebuilt, "read_models_2");
    let ready = world.shows(&rebuilt, |record| record.state == "following").await;
    assert!(
        ready.indexed && ready.level_at.is_some() && ready.purpose == "rebuild",
        "{ready:?}"
    );
    assert_eq!(
        world.serving_schema().await,
        "read_models_1",
        "nothing serves that was not promoted"
    );

    tasks(&world, 20..40).await;
    world.level(&running).await;
    world.shows(&rebuilt, |record| record.behind == 0).await;
    world.assert_equal("read_models_1", &rebuilt).await;
    assert_eq!(world.indexes("read_models_1").await, world.indexes(&rebuilt).await);
    running.stop().await;
}

#[tokio::test]
async fn while_it_is_built_a_generation_has_no_secondary_indexes() {
    let world = World::after(task(1, [created()])).await;
    let rebuilt = world.rebuild().await.unwrap();
    let (all, few) = (world.indexes("read_models_1").await, world.indexes(&rebuilt).await);
    assert!(
        few.len() < all.len() && few.iter().all(|index| all.contains(index)),
        "{few:?}"
    );
    assert!(
        few.iter().all(|index| index.starts_with("CREATE UNIQUE INDEX")),
        "{few:?}"
    );
}

#[tokio::test]
async fn a_second_rebuild_is_refused_while_one_is_under_way() {
    let world = World::after(task(1, [created()])).await;
    let rebuilt = world.rebuild().await.unwrap();
    let refused = world.rebuild().await.unwrap_err();
    assert_eq!(refused.code(), "generation.already-building");
    assert!(refused.to_string().contains(&rebuilt), "{refused}");
    world.retire(&rebuilt, Duration::ZERO).await.unwrap();
    assert_eq!(world.rebuild().await.unwrap(), "read_models_3");
}

#[tokio::test]
async fn a_rebuild_that_was_cut_off_goes_on_where_it_was() {
    let world = World::new().await;
    tasks(&world, 1..200).await;
    world.project(options()).await;
    let rebuilt = world.rebuild().await.unwrap();
    let slow = ProjectorOptions {
        rebuild_batch_events: 10,
        ..options()
    };
    let running = run(world.service(slow));
    let seen = world.shows(&rebuilt, |record| record.behind < record.records).await;
    running.crash().await;
    let after = world.shows(&rebuilt, |_| true).await;
    assert!(after.cut.covers(&seen.cut), "what was built stays: {after:?}");

    let running = run(world.service(options()));
    world.complete(&rebuilt).await;
    world.assert_equal("read_models_1", &rebuilt).await;
    running.stop().await;
}

#[tokio::test]
async fn a_rebuild_stands_still_while_the_serving_generation_is_behind() {
    let world = World::new().await;
    tasks(&world, 1..50).await;
    let yielding = ProjectorOptions {
        rebuild_yields_at: 0,
        // Nearly level is what a transaction holds.
        batch_events: 1,
        ..options()
    };
    let first = run(world.service(options()));
    world
        .shows("read_models_1", |record| {
            record.level_at.is_some() && record.behind == 0
        })
        .await;
    first.stop().await;
    let running = run(world.service(yielding));
    world.level(&running).await;
    // The one that serves cannot move: somebody holds its checkpoints.
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("select from control.checkpoint where generation = 1 for update")
        .execute(&mut *holder)
        .await
        .unwrap();
    tasks(&world, 50..60).await;
    // It measures its lag more often than it looks for generations.
    world.somebody_waits_for_a_lock().await;
    let rebuilt = world.rebuild().await.unwrap();
    let complete = world.shows(&rebuilt, |record| record.behind < record.records);
    let moved = tokio::time::timeout(LONGER_THAN_A_REBUILD, complete).await;
    assert!(moved.is_err(), "it does not stand still: {moved:?}");
    holder.rollback().await.unwrap();
    world.complete(&rebuilt).await;
    running.stop().await;
}

#[tokio::test]
async fn a_rebuild_makes_way_for_queries_that_are_slow_and_goes_on_when_they_are_not() {
    let world = World::new().await;
    tasks(&world, 1..200).await;
    let running = run(world.service(ProjectorOptions {
        look_ms: 5,
        rebuild_batch_events: 2,
        // Nearly level is what a transaction holds.
        batch_events: 1,
        ..options()
    }));
    world.level(&running).await;
    // A process that answers queries says so, as it would each second.
    sqlx::query("insert into control.query_load values ('host:1', now() + interval '1 hour', 100, 251)")
        .execute(&world.pool)
        .await
        .unwrap();
    let rebuilt = world.rebuild().await.unwrap();
    let slowed = async {
        let sql = "select exists (select from control.projector join control.generation on generation.id = generation \
                   where schema_name = $1 and (timings ->> 'sharePercent')::int < 100 and (timings ->> 'restMs')::int > 0)";
        while !sqlx::query_scalar::<_, bool>(sql)
            .bind(&rebuilt)
            .fetch_one(&world.pool)
            .await
            .unwrap()
        {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, slowed)
        .await
        .expect("it rests");
    // It ends all the same.
    world.complete(&rebuilt).await;
    running.stop().await;
}

#[tokio::test]
async fn a_rebuild_before_any_projector_has_run_becomes_what_serves() {
    let world = World::new().await;
    tasks(&world, 1..5).await;
    let rebuilt = world.rebuild().await.unwrap();
    let running = run(world.service(options()));
    world.level(&running).await;
    assert_eq!(world.serving_schema().await, rebuilt);
    running.stop().await;
}
