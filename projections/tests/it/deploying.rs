//! From one version of the projectors to the next without a gap: two processes, two fingerprints, one database.

use std::sync::Arc;
use std::time::Duration;

use event_store::postgres::PostgresStore;
use projections::administration::Acceptance;
use projections::administration::verify::AgainstServing;
use projections::operation::{Columns, RowOperation, RowOperations};
use projections::read_model::{self, TaskProjector};
use projections::subject::SubjectChange;
use projections::table::TableDefinition;
use projections::value::Value;
use projections::{DecodedEvent, Projector, ProjectorService, ProjectorState};

use crate::administrator::{options, tasks};
use crate::harness::{Running, World, connect_as, run};
use crate::querying::Clients;

/// The list of tasks as the next version shows it.
struct NextTasks;

impl Projector for NextTasks {
    fn name(&self) -> &'static str {
        TaskProjector.name()
    }

    fn version(&self) -> u32 {
        TaskProjector.version() + 1
    }

    fn schema(&self) -> &'static str {
        TaskProjector.schema()
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        TaskProjector.tables()
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let mut before = RowOperations::default();
        TaskProjector.project(change, event, &mut before);
        for done in before.drain() {
            match done.operation {
                RowOperation::Insert(columns) => operations.insert(done.table, done.key, in_capitals(columns)),
                RowOperation::Create(columns) => operations.create(done.table, done.key, in_capitals(columns)),
                RowOperation::Patch(columns) => operations.patch(done.table, done.key, in_capitals(columns)),
                other => panic!("the list of tasks does not do that: {other:?}"),
            }
        }
    }
}

fn in_capitals(columns: Columns) -> Columns {
    let column = |(name, value)| match (name, value) {
        ("title", Value::Text(title)) => ("title", Value::Text(title.to_uppercase())),
        other => other,
    };
    columns.into_iter().map(column).collect()
}

fn next_version() -> Vec<Box<dyn Projector>> {
    let next = |projector: Box<dyn Projector>| -> Box<dyn Projector> {
        if projector.name() == TaskProjector.name() {
            Box::new(NextTasks)
        } else {
            projector
        }
    };
    read_model::all().into_iter().map(next).collect()
}

/// A process of a version: connections and a store of its own.
async fn process(world: &World, name: &str, projectors: Vec<Box<dyn Projector>>) -> Running {
    let pool = connect_as(&world.database, name).await;
    let store = Arc::new(PostgresStore::open(pool.clone(), 4).await.unwrap());
    run(ProjectorService::with_projectors(store, pool, options(), projectors))
}

async fn shown_titles(world: &World) -> Vec<String> {
    let sql = format!("select distinct title from {}.task", world.serving_schema().await);
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_deploy_has_no_gap_and_can_be_taken_back_until_the_old_version_is_dropped() {
    let world = Arc::new(World::new().await);
    tasks(&world, 1..50).await;
    let old = process(&world, "version N", read_model::all()).await;
    world.level(&old).await;
    let clients = Clients::start(&world).await;
    clients.some_more().await;

    // The next version starts beside it, fills its own generation and waits.
    let next = process(&world, "version N+1", next_version()).await;
    world.shows("read_models_2", |record| record.state == "following").await;
    assert_eq!(world.serving_schema().await, "read_models_1");
    assert_eq!(shown_titles(&world).await, ["Fix the build"]);
    let report = world.verify_with("read_models_2", next_version).await.unwrap();
    assert!(report.equal, "{report:?}");
    let Some(AgainstServing::Shown { name, diff }) = report.against_serving else {
        panic!("{:?}", report.against_serving);
    };
    let changed: Vec<_> = diff.tables.iter().filter(|table| !table.is_equal()).collect();
    assert_eq!((changed.len(), changed[0].table.as_str()), (1, "task"));
    assert_eq!(changed[0].columns, [("title".to_owned(), changed[0].left_rows)].into());

    let acceptance = Acceptance {
        diff: Some(name),
        by: "ada".to_owned(),
        ..Acceptance::default()
    };
    world.promote_accepting("read_models_2", &acceptance).await.unwrap();
    clients.some_more().await;
    assert_eq!(shown_titles(&world).await, ["FIX THE BUILD"]);
    // The old process keeps its own level, so going back is as fast.
    world.roll_back().await.unwrap();
    clients.some_more().await;
    assert_eq!(shown_titles(&world).await, ["Fix the build"]);
    world.promote_accepting("read_models_2", &acceptance).await.unwrap();
    clients.some_more().await;
    clients.stop().await;
    world.shows("read_models_1", |record| record.behind == 0).await;
    world.shows("read_models_2", |record| record.behind == 0).await;

    world.retire("read_models_1", Duration::ZERO).await.unwrap();
    // The old process notices when there is something to write; it stands still and says so.
    tasks(&world, 60..70).await;
    old.until(|progress| matches!(progress.state, ProjectorState::Stopped { .. }))
        .await;
    world.level(&next).await;
    let report = world.verify_with("read_models_2", next_version).await.unwrap();
    assert!(report.equal && report.against_serving.is_none(), "{report:?}");
    old.stop().await;
    next.stop().await;
}
