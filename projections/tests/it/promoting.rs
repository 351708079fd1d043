//! Which generation serves: promoting, going back, and dropping what is not needed.

use std::time::Duration;

use projections::administration::AdministrationError;
use projections::{ProjectorOptions, ProjectorState};
use sqlx::AssertSqlSafe;

use crate::administrator::{followed, options, tasks};
use crate::harness::{World, run};
use crate::history::{created, task};

#[tokio::test]
async fn what_was_promoted_serves_and_going_back_is_the_same_step() {
    let (world, running) = followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    let refused = world.promote("read_models_1").await.unwrap_err();
    assert_eq!(refused.code(), "generation.serves");
    let refused = world.roll_back().await.unwrap_err();
    assert_eq!(refused.code(), "generation.nothing-before");
    world.complete(&rebuilt).await;

    let promotion = world.promote(&rebuilt).await.unwrap();
    assert_eq!(
        (promotion.serving.as_str(), promotion.before.as_str()),
        ("read_models_2", "read_models_1")
    );
    assert_eq!(world.serving_schema().await, rebuilt);
    // The main projector goes over to what serves, and what served before is kept level.
    running.is_on("read_models_2").await;
    tasks(&world, 20..30).await;
    world.level(&running).await;
    let before = world.shows("read_models_1", |record| record.behind == 0).await;
    assert!(
        before.state == "following" && before.served_until.is_some(),
        "{before:?}"
    );

    let back = world.roll_back().await.unwrap();
    assert_eq!(back.serving, "read_models_1");
    running.is_on("read_models_1").await;
    tasks(&world, 30..40).await;
    world.level(&running).await;
    world.shows(&rebuilt, |record| record.behind == 0).await;
    world.assert_equal("read_models_1", &rebuilt).await;
    running.stop().await;
}

#[tokio::test]
async fn a_generation_that_is_built_or_behind_cannot_be_promoted() {
    let world = World::after(task(1, [created()])).await;
    let rebuilt = world.rebuild().await.unwrap();
    let refused = world.promote(&rebuilt).await.unwrap_err();
    assert_eq!(refused.code(), "generation.building");
    let running = run(world.service(options()));
    world.complete(&rebuilt).await;
    running.stop().await;
    // The process that follows both is away; somebody else moved the one that serves.
    sqlx::query(AssertSqlSafe(
        "update control.checkpoint set next_offset = next_offset + 3 where generation = 1".to_owned(),
    ))
    .execute(&world.pool)
    .await
    .unwrap();
    let refused = world.promote(&rebuilt).await.unwrap_err();
    let AdministrationError::NotLevel { behind, .. } = &refused else {
        panic!("{refused:?}");
    };
    assert_eq!(*behind, 3);
    assert!(refused.to_string().contains("start one, or rebuild"), "{refused}");
    assert_eq!(world.serving_schema().await, "read_models_1");
}

#[tokio::test]
async fn promoting_waits_for_a_generation_that_is_a_moment_behind() {
    let (world, running) = followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    let writes = async {
        for number in 20..60 {
            tasks(&world, number..number + 1).await;
        }
    };
    let promotes = async {
        for _ in 0..5 {
            let other = if world.serving_schema().await == rebuilt {
                "read_models_1"
            } else {
                &rebuilt
            };
            world.promote(other).await.unwrap();
        }
    };
    tokio::join!(writes, promotes);
    for generation in ["read_models_1", &rebuilt] {
        world.shows(generation, |record| record.behind == 0).await;
    }
    world.assert_equal("read_models_1", &rebuilt).await;
    running.stop().await;
}

#[tokio::test]
async fn what_does_not_serve_is_dropped_after_its_grace_and_its_projector_stops() {
    let (world, running) = followed().await;
    let refused = world.retire("read_models_1", Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.code(), "generation.serves");
    let refused = world.retire("read_models_9", Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.code(), "generation.unknown");
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    world.promote(&rebuilt).await.unwrap();

    let hour = Duration::from_hours(1);
    let refused = world.retire("read_models_1", hour).await.unwrap_err();
    assert_eq!(refused.code(), "generation.in-grace");
    world.retire("read_models_1", Duration::ZERO).await.unwrap();
    let names: Vec<String> = world
        .generations()
        .await
        .into_iter()
        .map(|record| record.generation)
        .collect();
    assert_eq!(names, std::slice::from_ref(&rebuilt));
    running.is_on("read_models_2").await;
    tasks(&world, 20..30).await;
    world.level(&running).await;
    assert_eq!(world.rows(&rebuilt, "task").await.len(), 29);
    let refused = world.roll_back().await.unwrap_err();
    assert_eq!(refused.code(), "generation.nothing-before");
    running.stop().await;
}

#[tokio::test]
async fn tables_that_are_read_are_not_dropped_under_the_reader() {
    let world = World::after(task(1, [created()])).await;
    let rebuilt = world.rebuild().await.unwrap();
    let mut reader = world.pool.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("select from {rebuilt}.task")))
        .execute(&mut *reader)
        .await
        .unwrap();
    let refused = world.retire(&rebuilt, Duration::ZERO).await.unwrap_err();
    assert_eq!(refused.code(), "generation.still-read");
    reader.rollback().await.unwrap();
    world.retire(&rebuilt, Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn two_processes_follow_both_generations_and_go_over_together() {
    let (world, first) = followed().await;
    let second = run(world.service(options()));
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    world.promote(&rebuilt).await.unwrap();
    for running in [&first, &second] {
        running.is_on("read_models_2").await;
    }
    first.crash().await;
    tasks(&world, 20..40).await;
    for generation in ["read_models_1", &rebuilt] {
        world.shows(generation, |record| record.behind == 0).await;
    }
    world.assert_equal("read_models_1", &rebuilt).await;
    second.stop().await;
}

#[tokio::test]
async fn what_is_rebuilt_because_the_serving_one_is_broken_is_followed_once_it_serves() {
    let world = World::new().await;
    tasks(&world, 1..20).await;
    world.project(options()).await;
    // It cannot be written any more, and time does not mend it.
    sqlx::query(AssertSqlSafe("drop table read_models_1.task".to_owned()))
        .execute(&world.pool)
        .await
        .unwrap();
    tasks(&world, 20..30).await;
    let yielding = ProjectorOptions {
        rebuild_yields_at: 0,
        batch_events: 1,
        ..options()
    };
    let running = run(world.service(yielding));
    running
        .until(|progress| matches!(progress.state, ProjectorState::Stopped { .. }))
        .await;
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    world.promote(&rebuilt).await.unwrap();
    running.is_on("read_models_2").await;
    tasks(&world, 30..40).await;
    world.level(&running).await;
    assert_eq!(world.rows(&rebuilt, "task").await.len(), 39);
    running.stop().await;
}

#[tokio::test]
async fn a_generation_of_a_history_that_is_gone_does_not_keep_the_present_one_from_serving() {
    let (world, running) = followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    running.stop().await;
    sqlx::query(AssertSqlSafe(
        "update control.generation set epoch = gen_random_uuid() where id = 1; ".to_owned(),
    ))
    .execute(&world.pool)
    .await
    .unwrap();
    world.promote(&rebuilt).await.unwrap();
    let refused = world.promote("read_models_1").await.unwrap_err();
    assert_eq!(refused.code(), "generation.other-history");
}
