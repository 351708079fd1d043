//! One read model, rebuilt alone, that joins the generation which serves.

use std::sync::Arc;
use std::time::Duration;

use event_store::{Cut, EventStore};
use projections::administration::{AdministrationError, ModelProgress, ModelRebuild};
use projections::{ProjectorOptions, ServingReader, read_model};
use sqlx::AssertSqlSafe;

use crate::administrator::{followed, options, tasks};
use crate::harness::{PATIENCE, World, connect_as};
use crate::querying::Clients;

impl World {
    async fn rebuild_model(&self, model: &str, options: ProjectorOptions) -> Result<ModelRebuild, AdministrationError> {
        ModelRebuild::begin(self.pool.clone(), &*self.store, model, options).await
    }

    /// Filled, and ready to join.
    async fn rebuilt_model(&self, model: &str) -> String {
        let mut rebuild = self.rebuild_model(model, options()).await.unwrap();
        rebuild.run(&*self.store, |_| {}).await.unwrap();
        let generation = rebuild.generation().to_owned();
        rebuild.close().await.unwrap();
        // Who is told that it is done may go on at once, however long the server takes to end the session.
        let held: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks where locktype = 'advisory' and classid = 1836016741 \
             and database = (select oid from pg_database where datname = current_database())",
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        assert_eq!(held, 0, "nobody fills {generation} any more");
        generation
    }

    async fn wrong_titles(&self) -> i64 {
        sqlx::query_scalar("select count(*) from read_models_1.task where title = 'wrong'")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_joins_at_exactly_the_cut_and_leaves_again_and_no_query_fails() {
    let (world, running) = followed().await;
    let world = Arc::new(world);
    sqlx::query("update read_models_1.task set title = 'wrong'")
        .execute(&world.pool)
        .await
        .unwrap();
    let clients = Clients::start(&world).await;
    clients.some_more().await;

    let rebuilt = world.rebuilt_model("task").await;
    assert_eq!(rebuilt, "read_models_2");
    let record = world.shows(&rebuilt, |record| record.state == "following").await;
    assert_eq!(
        (record.model.as_deref(), record.models.len(), record.indexed),
        (Some("task"), 1, true)
    );
    let report = world.verify_with(&rebuilt, read_model::all).await.unwrap();
    assert!(report.equal && report.against_serving.is_none(), "{report:?}");
    assert_eq!(world.wrong_titles().await, 19, "nothing has joined yet");

    for wrong in [0, 19, 0] {
        // The second time going back, the others forth.
        let done = if wrong == 0 {
            world.promote(&rebuilt).await.unwrap()
        } else {
            world.roll_back().await.unwrap()
        };
        assert_eq!(
            (done.serving.as_str(), done.before.as_str(), done.model.as_deref()),
            ("read_models_1", "read_models_2", Some("task"))
        );
        assert_eq!(world.wrong_titles().await, wrong);
        clients.some_more().await;
    }
    clients.stop().await;
    world.level(&running).await;
    let report = world.verify_with("read_models_1", read_model::all).await.unwrap();
    assert!(report.equal, "{report:?}");
    assert_eq!(world.serving_schema().await, "read_models_1");
    running.stop().await;
    // The tables that were exchanged are gone with the generation that kept them.
    world.retire(&rebuilt, Duration::ZERO).await.unwrap();
    assert_eq!(world.wrong_titles().await, 0);
}

#[tokio::test]
async fn all_indexes_come_with_the_model() {
    let (world, running) = followed().await;
    let before = world.indexes("read_models_1").await;
    for model in ["task", "execution", "statistics", "message"] {
        let rebuilt = world.rebuilt_model(model).await;
        world.promote(&rebuilt).await.unwrap();
        assert_eq!(world.indexes("read_models_1").await, before, "{model}");
    }
    tasks(&world, 50..60).await;
    world.level(&running).await;
    let report = world.verify_with("read_models_1", read_model::all).await.unwrap();
    assert!(report.equal, "{report:?}");
    running.stop().await;
}

#[tokio::test]
async fn whoever_is_killed_while_filling_loses_at_most_one_chunk() {
    let world = Arc::new(World::new().await);
    tasks(&world, 1..300).await;
    world.project(options()).await;
    let small = ProjectorOptions {
        rebuild_batch_events: 10,
        ..options()
    };
    // With connections of its own, as a process has: they end with it.
    let own = connect_as(&world.database, "killed").await;
    let mut rebuild = ModelRebuild::begin(own.clone(), &*world.store, "activity", small.clone())
        .await
        .unwrap();
    let refused = world
        .rebuild_model("activity", small.clone())
        .await
        .err()
        .expect("one at a time");
    assert_eq!(refused.code(), "generation.already-building");

    let (told, mut chunks) = tokio::sync::mpsc::unbounded_channel::<Cut>();
    let (store, generation) = (world.store.clone(), rebuild.generation().to_owned());
    let filling = tokio::spawn(async move {
        rebuild
            .run(&*store, |ModelProgress { reached, .. }| {
                let _nobody_listens = told.send(reached.clone());
            })
            .await
    });
    chunks.recv().await.unwrap();
    filling.abort();
    assert!(filling.await.is_err_and(|error| error.is_cancelled()));
    own.close().await;
    let mut told = Cut::start();
    while let Some(reached) = chunks.recv().await {
        told.merge(&reached);
    }

    // Its session ends with it, as with its process; the server needs a moment.
    let again = async {
        loop {
            match world.rebuild_model("activity", small.clone()).await {
                Err(AdministrationError::AlreadyBuilding { .. }) => tokio::task::yield_now().await,
                other => return other.unwrap(),
            }
        }
    };
    let mut again = tokio::time::timeout(PATIENCE, again)
        .await
        .expect("the lock is free in time");
    assert_eq!(again.generation(), generation);
    let kept = world.shows(&generation, |_| true).await;
    assert!(kept.cut.covers(&told) && kept.state == "building", "{kept:?} {told:?}");
    let mut first = None;
    again
        .run(&*world.store, |ModelProgress { reached, .. }| {
            first.get_or_insert(reached.clone());
        })
        .await
        .unwrap();
    assert!(first.unwrap().covers(&kept.cut), "it goes on where it was");
    again.close().await.unwrap();
    world.promote(&generation).await.unwrap();
    let report = world.verify_with("read_models_1", read_model::all).await.unwrap();
    assert!(report.equal, "{report:?}");
}

#[tokio::test]
async fn a_fold_beside_the_projectors_makes_way_for_queries_that_are_slow_and_ends_all_the_same() {
    let world = World::new().await;
    tasks(&world, 1..200).await;
    world.project(options()).await;
    let often = ProjectorOptions {
        look_ms: 0,
        ..options()
    };
    let shares = async |model: &str| {
        let mut rebuild = world.rebuild_model(model, often.clone()).await.unwrap();
        let mut shares = Vec::new();
        let filled = rebuild.run(&*world.store, |progress| shares.push(progress.share));
        filled.await.unwrap();
        rebuild.close().await.unwrap();
        shares
    };
    assert!(shares("task").await.into_iter().all(|share| share == 100));
    // A process that answers queries says so, as it would each second.
    sqlx::query("insert into control.query_load values ('host:1', now() + interval '1 hour', 100, 251)")
        .execute(&world.pool)
        .await
        .unwrap();
    assert_eq!(shares("activity").await.last(), Some(&50));
}

#[tokio::test]
async fn a_fold_beside_the_projectors_makes_way_for_one_that_serves_and_is_behind() {
    let world = World::new().await;
    tasks(&world, 1..100).await;
    world.project(options()).await;
    tasks(&world, 100..200).await;
    let often = ProjectorOptions {
        look_ms: 0,
        rebuild_yields_at: 10,
        ..options()
    };
    let share = async |model: &str| {
        let mut rebuild = world.rebuild_model(model, often.clone()).await.unwrap();
        let mut share = None;
        let filled = rebuild.run(&*world.store, |progress| share = Some(progress.share));
        filled.await.unwrap();
        rebuild.close().await.unwrap();
        share
    };
    assert_eq!(share("task").await, Some(100), "nobody gets on faster when it rests");
    // A process that follows what serves, and hangs.
    sqlx::query(
        "insert into control.projector (id, generation, name) select 99, generation, 'host:2' from control.serving",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    assert_eq!(share("activity").await, Some(50));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_reads_for_long_is_waited_for_and_keeps_nobody_else_from_reading() {
    let (world, running) = followed().await;
    let world = Arc::new(world);
    let rebuilt = world.rebuilt_model("task").await;
    let pool = connect_as(&world.database, "clients").await;
    let reader = ServingReader::new(pool, None);
    let mut long = reader.begin().await.unwrap();
    let (exchanging, generation) = (world.clone(), rebuilt.clone());
    let promotes = tokio::spawn(async move { exchanging.promote(&generation).await });
    world.somebody_waits_for_a_lock().await;
    for _ in 0..20 {
        let short = tokio::time::timeout(Duration::from_secs(5), reader.begin())
            .await
            .expect("no long wait");
        short.unwrap().close().await.unwrap();
    }
    // It still reads what there was, of one cut.
    let seen: i64 = sqlx::query_scalar("select count(*) from read_models_1.task")
        .fetch_one(long.connection())
        .await
        .unwrap();
    assert_eq!(seen, 19);
    long.close().await.unwrap();
    promotes.await.unwrap().unwrap();
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_join_is_refused() {
    let (world, running) = followed().await;
    let refused = world.rebuild_model("mood", options()).await.err().unwrap();
    assert_eq!(refused.code(), "model.unknown");
    assert!(refused.to_string().contains("statistics"), "{refused}");
    let rebuild = world.rebuild_model("task", options()).await.unwrap();
    let refused = world.promote(rebuild.generation()).await.unwrap_err();
    assert_eq!(refused.code(), "generation.building");
    // Another version serves: its rows would not fit.
    sqlx::query(AssertSqlSafe(
        "update control.generation set fingerprint = 'older' where id = 1".to_owned(),
    ))
    .execute(&world.pool)
    .await
    .unwrap();
    let refused = world.rebuild_model("message", options()).await.err().unwrap();
    assert_eq!(refused.code(), "generation.other-projectors");
    let epoch = world.store.epoch();
    assert_eq!(world.generations().await[0].epoch, epoch);
    running.stop().await;
}
