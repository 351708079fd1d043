//! Rebuilding beside what serves, promoting, going back, dropping.

use std::time::Duration;

use projections::administration::{self, AdministrationError, GenerationRecord, Promotion};
use projections::{ProjectorOptions, ProjectorState, read, read_model};
use sqlx::AssertSqlSafe;

use crate::harness::{PATIENCE, Running, World, run};
use crate::history::{created, task};

/// Looks often, so that tests are fast.
fn options() -> ProjectorOptions {
    ProjectorOptions {
        generations_poll_ms: 10,
        lag_interval_ms: 10,
        ..ProjectorOptions::default()
    }
}

impl World {
    async fn rebuild(&self) -> Result<String, AdministrationError> {
        administration::rebuild(&self.pool, &*self.store, &read_model::all()).await
    }

    async fn promote(&self, generation: &str) -> Result<Promotion, AdministrationError> {
        administration::promote(&self.pool, &*self.store, generation).await
    }

    async fn roll_back(&self) -> Result<Promotion, AdministrationError> {
        administration::roll_back(&self.pool, &*self.store).await
    }

    async fn generations(&self) -> Vec<GenerationRecord> {
        administration::list(&self.pool, &*self.store).await.unwrap()
    }

    /// Waits until the list shows a generation in this way.
    async fn shows(&self, generation: &str, wanted: impl Fn(&GenerationRecord) -> bool) -> GenerationRecord {
        let shown = async {
            loop {
                let found = self.generations().await;
                if let Some(found) = found
                    .into_iter()
                    .find(|found| found.generation == generation && wanted(found))
                {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let shown = tokio::time::timeout(PATIENCE, shown).await.ok();
        match shown {
            Some(shown) => shown,
            None => panic!("{generation} is not so: {:?}", self.generations().await),
        }
    }

    async fn serving_schema(&self) -> String {
        read::serving(&mut self.pool.acquire().await.unwrap())
            .await
            .unwrap()
            .schema
    }

    async fn indexes(&self, schema: &str) -> Vec<String> {
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

async fn tasks(world: &World, numbers: std::ops::Range<u128>) {
    world.append(numbers.flat_map(|number| task(number, [created()]))).await;
}

/// A world in which a generation serves and is followed.
async fn followed() -> (World, Running) {
    let world = World::new().await;
    tasks(&world, 1..20).await;
    let running = run(world.service(options()));
    world.level(&running).await;
    (world, running)
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
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&rebuilt).await
    );
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
    administration::retire(&world.pool, &rebuilt, Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(world.rebuild().await.unwrap(), "read_models_3");
}

#[tokio::test]
async fn what_was_promoted_serves_and_going_back_is_the_same_step() {
    let (world, running) = followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    let refused = world.promote("read_models_1").await.unwrap_err();
    assert_eq!(refused.code(), "generation.serves");
    let refused = world.roll_back().await.unwrap_err();
    assert_eq!(refused.code(), "generation.nothing-before");
    world.shows(&rebuilt, |record| record.state == "following").await;

    let promotion = world.promote(&rebuilt).await.unwrap();
    assert_eq!(
        (promotion.serving.as_str(), promotion.before.as_str()),
        ("read_models_2", "read_models_1")
    );
    assert_eq!(world.serving_schema().await, rebuilt);
    // The main projector goes over to what serves, and what served before is kept level.
    running
        .until(|progress| progress.schema.as_deref() == Some("read_models_2"))
        .await;
    tasks(&world, 20..30).await;
    world.level(&running).await;
    let before = world.shows("read_models_1", |record| record.behind == 0).await;
    assert!(
        before.state == "following" && before.served_until.is_some(),
        "{before:?}"
    );

    let back = world.roll_back().await.unwrap();
    assert_eq!(back.serving, "read_models_1");
    running
        .until(|progress| progress.schema.as_deref() == Some("read_models_1"))
        .await;
    tasks(&world, 30..40).await;
    world.level(&running).await;
    world.shows(&rebuilt, |record| record.behind == 0).await;
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&rebuilt).await
    );
    running.stop().await;
}

#[tokio::test]
async fn a_generation_that_is_built_or_behind_cannot_be_promoted() {
    let world = World::after(task(1, [created()])).await;
    let rebuilt = world.rebuild().await.unwrap();
    let refused = world.promote(&rebuilt).await.unwrap_err();
    assert_eq!(refused.code(), "generation.building");
    let running = run(world.service(options()));
    world
        .shows(&rebuilt, |record| record.state == "following" && record.behind == 0)
        .await;
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
    world.shows(&rebuilt, |record| record.state == "following").await;
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
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&rebuilt).await
    );
    running.stop().await;
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
    world
        .shows(&rebuilt, |record| record.state == "following" && record.behind == 0)
        .await;
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&rebuilt).await
    );
    running.stop().await;
}

#[tokio::test]
async fn a_rebuild_stands_still_while_the_serving_generation_is_behind() {
    let world = World::new().await;
    tasks(&world, 1..50).await;
    world.project(options()).await;
    let rebuilt = world.rebuild().await.unwrap();
    // The one that serves cannot move: somebody holds its checkpoints.
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("select from control.checkpoint where generation = 1 for update")
        .execute(&mut *holder)
        .await
        .unwrap();
    tasks(&world, 50..60).await;
    let yielding = ProjectorOptions {
        rebuild_yields_at: 0,
        // Nearly level is what a transaction holds.
        batch_events: 1,
        ..options()
    };
    let running = run(world.service(yielding));
    running
        .until(|progress| progress.state == ProjectorState::Following)
        .await;
    // Once it has measured that it is behind, the other one stands still.
    let mut last = None;
    let still = async {
        loop {
            let now = world.shows(&rebuilt, |_| true).await.cut;
            if last.as_ref() == Some(&now) {
                return now;
            }
            last = Some(now);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, still).await.unwrap();
    let record = world.shows(&rebuilt, |_| true).await;
    assert!(record.state == "building" && record.behind > 0, "{record:?}");
    holder.rollback().await.unwrap();
    world
        .shows(&rebuilt, |record| record.state == "following" && record.behind == 0)
        .await;
    running.stop().await;
}

#[tokio::test]
async fn what_does_not_serve_is_dropped_after_its_grace_and_its_projector_stops() {
    let (world, running) = followed().await;
    let refused = administration::retire(&world.pool, "read_models_1", Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "generation.serves");
    let refused = administration::retire(&world.pool, "read_models_9", Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "generation.unknown");
    let rebuilt = world.rebuild().await.unwrap();
    world.shows(&rebuilt, |record| record.state == "following").await;
    world.promote(&rebuilt).await.unwrap();

    let hour = Duration::from_hours(1);
    let refused = administration::retire(&world.pool, "read_models_1", hour)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "generation.in-grace");
    administration::retire(&world.pool, "read_models_1", Duration::ZERO)
        .await
        .unwrap();
    let names: Vec<String> = world
        .generations()
        .await
        .into_iter()
        .map(|record| record.generation)
        .collect();
    assert_eq!(names, std::slice::from_ref(&rebuilt));
    running
        .until(|progress| progress.schema.as_deref() == Some("read_models_2"))
        .await;
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
    let refused = administration::retire(&world.pool, &rebuilt, Duration::ZERO)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "generation.still-read");
    reader.rollback().await.unwrap();
    administration::retire(&world.pool, &rebuilt, Duration::ZERO)
        .await
        .unwrap();
}

#[tokio::test]
async fn two_processes_follow_both_generations_and_go_over_together() {
    let (world, first) = followed().await;
    let second = run(world.service(options()));
    let rebuilt = world.rebuild().await.unwrap();
    world.shows(&rebuilt, |record| record.state == "following").await;
    world.promote(&rebuilt).await.unwrap();
    for running in [&first, &second] {
        running
            .until(|progress| progress.schema.as_deref() == Some("read_models_2"))
            .await;
    }
    first.crash().await;
    tasks(&world, 20..40).await;
    for generation in ["read_models_1", &rebuilt] {
        world.shows(generation, |record| record.behind == 0).await;
    }
    assert_eq!(
        world.everything("read_models_1").await,
        world.everything(&rebuilt).await
    );
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
    world
        .shows(&rebuilt, |record| record.state == "following" && record.behind == 0)
        .await;
    world.promote(&rebuilt).await.unwrap();
    running
        .until(|progress| progress.schema.as_deref() == Some("read_models_2"))
        .await;
    tasks(&world, 30..40).await;
    world.level(&running).await;
    assert_eq!(world.rows(&rebuilt, "task").await.len(), 39);
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

#[tokio::test]
async fn a_generation_of_a_history_that_is_gone_does_not_keep_the_present_one_from_serving() {
    let (world, running) = followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    world.shows(&rebuilt, |record| record.state == "following").await;
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
