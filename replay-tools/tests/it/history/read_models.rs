//! The read models against a second fold: each fault is one statement on a copy of the database.

use std::time::Duration;

use platform::shutdown::Shutdown;
use replay_tools::history::HistorySources;
use replay_tools::history::verify::{Code, VerifyError, VerifyOptions, verify};
use sqlx::PgPool;

use super::world::{EVENTS, World, stream};

const PATIENCE: Duration = Duration::from_mins(1);

/// Schemas and rows of second folds.
async fn left_behind(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select (select count(*) from information_schema.schemata where schema_name like 'refold%')
              + (select count(*) from control.generation where state = 'retired')",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

async fn each_difference_is_found_and_nothing_else(world: World) {
    let id = stream(2).uuid().unwrap();
    let faults = [
        (
            Code::ModelRowDiffers,
            "conversation",
            format!("update read_models_1.conversation set title = 'Another' where id = '{id}'"),
        ),
        (
            Code::ModelRowDiffers,
            "subject",
            format!("update read_models_1.subject set revision = revision - 1 where id = '{id}'"),
        ),
        (
            Code::ModelRowDiffers,
            "statistics",
            "update read_models_1.statistics set tasks = tasks + 1".to_owned(),
        ),
        (
            Code::ModelRowMissing,
            "activity",
            format!("delete from read_models_1.activity where subject_id = '{id}' and revision = 1"),
        ),
        (
            Code::ModelRowExtra,
            "statistics",
            "insert into read_models_1.statistics (day, type, complexity, status, owner_id, tasks)
             values ('2026-01-01', '', '', 'pending', gen_random_uuid(), 1)"
                .to_owned(),
        ),
    ];
    for (code, table, sql) in faults {
        let pool = world.copy_after(&sql).await;
        let report = world.finds(&pool, code).await;
        assert_eq!(report.findings[0].place.table.as_deref(), Some(table));
        assert_eq!(left_behind(&pool).await, 0);
    }
    for (code, sql) in [
        (
            Code::ModelsAhead,
            "update control.checkpoint set next_offset = next_offset + 1000 where partition = 0",
        ),
        (
            Code::ModelsOfOtherHistory,
            "update control.generation set epoch = gen_random_uuid()",
        ),
    ] {
        world.finds(&world.copy_after(sql).await, code).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_difference_of_the_read_models_is_found_on_postgresql() {
    each_difference_is_found_and_nothing_else(World::on_postgresql().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_difference_of_the_read_models_is_found_on_kafka() {
    each_difference_is_found_and_nothing_else(World::on_kafka().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_read_models_have_no_findings_and_the_second_fold_is_gone_afterwards() {
    for world in [World::on_postgresql().await, World::on_kafka().await] {
        let pool = world.copy().await;
        let report = world.verify(&pool).await;
        assert!(report.ok, "{}", report.to_text());
        let models = &report.read_models;
        assert_eq!(
            (models.skipped.as_deref(), models.schema.as_deref()),
            (None, Some("read_models_1"))
        );
        assert_eq!(
            (models.rows["conversation"], models.rows["task"], models.rows["subject"]),
            (6, 4, 10)
        );
        assert!(models.rows["activity"] >= EVENTS);
        assert_eq!(left_behind(&pool).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_models_that_lag_are_compared_at_their_own_cut() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    let store = event_store::postgres::PostgresStore::open(pool.clone(), 4)
        .await
        .unwrap();
    super::world::append(&store, &stream(2), "late", vec![super::world::renamed("Late")]).await;
    let report = world.verify(&pool).await;
    assert!(report.ok, "{}", report.to_text());
    assert_eq!(report.history.events, EVENTS + 1);
    assert_eq!(report.read_models.rows["conversation"], 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_folded_is_found() {
    let world = World::on_postgresql().await;
    let sql = format!(
        "update journal.events set type = 'conversation.renamed.v1', data = '{{\"title\": \"x\"}}'
         where stream = '{}' and revision = 0",
        stream(2)
    );
    let pool = world.copy_after(&sql).await;
    let report = world.finds(&pool, Code::CannotFold).await;
    assert_eq!(report.findings[0].place.stream.as_deref(), Some(stream(2).as_str()));
    assert_eq!(left_behind(&pool).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_models_of_another_version_are_not_called_wrong() {
    let world = World::on_postgresql().await;
    let pool = world
        .copy_after("update control.generation set fingerprint = 'older'")
        .await;
    let sources = HistorySources {
        log: world.log.clone(),
        pool: pool.clone(),
    };
    let refused = verify(&VerifyOptions::default(), &sources, &Shutdown::new())
        .await
        .unwrap_err();
    assert!(matches!(refused, VerifyError::OtherProjectors { .. }), "{refused}");
    assert!(refused.to_string().contains("--skip-read-models"), "{refused}");
    assert!(world.verify_with(&pool, &super::journal::log_only()).await.ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_verification_leaves_nothing_behind() {
    let world = World::on_postgresql().await;
    let pool = world.copy().await;
    // The verification stands still in the middle of comparing.
    let mut in_its_way = pool.begin().await.unwrap();
    sqlx::query("lock table read_models_1.statistics in access exclusive mode")
        .execute(&mut *in_its_way)
        .await
        .unwrap();
    let sources = HistorySources {
        log: world.log.clone(),
        pool: pool.clone(),
    };
    let shutdown = Shutdown::new();
    let requested = shutdown.clone();
    let verification = tokio::spawn(async move {
        verify(&VerifyOptions::default(), &sources, &requested)
            .await
            .map(|_| ())
    });
    let waits = async {
        while left_behind(&pool).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waits).await.expect("it folds in time");
    shutdown.trigger();
    let ended = tokio::time::timeout(PATIENCE, verification)
        .await
        .expect("it ends in time");
    assert!(matches!(ended.unwrap(), Err(VerifyError::Interrupted)));
    assert_eq!(left_behind(&pool).await, 0);
}
