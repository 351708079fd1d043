//! A generation held against a second fold: what is wrong is found, and the event from which on.

use std::sync::atomic::{AtomicU64, Ordering};

use event_store::EventStore;
use projections::administration::AdministrationError;
use projections::administration::verify::{AgainstServing, Verification, VerifyReport};
use projections::comparison::parting::{EventPlace, Parting};
use projections::operation::RowOperations;
use projections::subject::SubjectChange;
use projections::table::{Column, TableDefinition, TableKind};
use projections::value::{ColumnType, Value};
use projections::{DecodedEvent, Projector, ProjectorOptions, ProjectorService, read_model};
use sqlx::AssertSqlSafe;

use crate::harness::{World, id, run};
use crate::history::{classified, completed, created, decided_at_random, started_execution, task};

type Projectors = fn() -> Vec<Box<dyn Projector>>;

impl World {
    /// Verifies with the projectors of a version, and leaves nothing behind.
    pub(crate) async fn verify_with(
        &self,
        generation: &str,
        all: Projectors,
    ) -> Result<VerifyReport, AdministrationError> {
        let store: &dyn EventStore = &*self.store;
        let mut verification = Verification::begin(&self.pool, store, generation, all).await?;
        let report = verification.run(store, 20, |_, _, _| {}).await;
        verification.close().await?;
        let left: i64 =
            sqlx::query_scalar("select count(*) from information_schema.schemata where schema_name like 'refold%'")
                .fetch_one(&self.pool)
                .await
                .unwrap();
        assert_eq!(left, 0);
        report
    }

    async fn verify(&self, generation: &str) -> VerifyReport {
        self.verify_with(generation, read_model::all).await.unwrap()
    }

    async fn execute(&self, sql: String) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }
}

fn story() -> Vec<crate::harness::Happened> {
    use domain::task::{Complexity, TaskType};
    let life = [
        created(),
        classified(TaskType::BugFix, Complexity::Simple),
        started_execution(1),
        completed(1),
    ];
    let others = (2..6).flat_map(|number| task(number, [created()]));
    task(1, life).into_iter().chain(others).collect()
}

fn of_first_task(event: &EventPlace) -> (&str, u64) {
    assert_eq!(event.stream, format!("task-{}", id(1)));
    (event.event_type.as_str(), event.revision)
}

#[tokio::test]
async fn what_is_as_the_log_says_is_equal_while_the_log_goes_on() {
    let world = World::after(decided_at_random(21, 300)).await;
    world.append(task(900, [created()])).await;
    let report = world.verify("read_models_1").await;
    assert!(report.equal && report.differences.is_empty(), "{report:?}");
    assert!(report.rows["task"] > 0 && report.rows["activity"] > 0);
    assert!(report.against_serving.is_none());
}

#[tokio::test]
async fn a_row_that_stayed_behind_parts_at_the_event_that_it_lacks() {
    let world = World::after(story()).await;
    world
        .execute(format!(
            "update read_models_1.task set status = 'pending', type = null, complexity = null where id = '{}'",
            id(1)
        ))
        .await;
    let report = world.verify("read_models_1").await;
    assert_eq!((report.equal, report.different), (false, 1));
    let Parting::At { event, columns } = &report.differences[0].parting else {
        panic!("{report:?}");
    };
    assert_eq!(of_first_task(event), ("task.classified.v1", 1));
    assert_eq!(columns, &["type", "complexity", "status"]);
    let stored: (i32, i64) =
        sqlx::query_as("select partition, \"offset\" from journal.events where stream = $1 and revision = 1")
            .bind(&event.stream)
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(
        (stored.0.cast_unsigned(), stored.1.cast_unsigned()),
        (event.partition, event.offset)
    );
}

#[tokio::test]
async fn a_row_with_what_the_log_never_said_parts_at_its_first_event() {
    let world = World::after(story()).await;
    world
        .execute(format!(
            "update read_models_1.task set title = 'Another' where id = '{}'",
            id(1)
        ))
        .await;
    let report = world.verify("read_models_1").await;
    let Parting::Never { event, columns } = &report.differences[0].parting else {
        panic!("{report:?}");
    };
    assert_eq!(of_first_task(event), ("task.created.v1", 0));
    assert_eq!(columns, &["title"]);
}

#[tokio::test]
async fn missing_rows_part_at_the_event_that_makes_them_and_rows_too_many_come_from_nothing() {
    let world = World::after(story()).await;
    world
        .execute(format!(
            "delete from read_models_1.activity where subject_id = '{}' and revision = 2; \
             insert into read_models_1.execution_log values ('{}', 9, 1, now(), 'info', 'invented')",
            id(1),
            id(1)
        ))
        .await;
    let report = world.verify("read_models_1").await;
    assert_eq!(report.different, 2);
    for difference in &report.differences {
        match (difference.table, &difference.parting) {
            ("activity", Parting::At { event, .. }) => {
                assert_eq!(of_first_task(event), ("task.execution-started.v1", 2));
            }
            ("execution_log", Parting::FromNothing) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn sums_name_the_event_that_explains_the_difference_alone() {
    let world = World::after(story()).await;
    world
        .execute("update read_models_1.statistics set lines_added = lines_added * 2, files_changed = files_changed * 2, lines_removed = lines_removed * 2, tokens_used = tokens_used * 2, cost_micro_usd = cost_micro_usd * 2, tasks = tasks * 2, executions = executions * 2 where status = 'completed'".to_owned())
        .await;
    let report = world.verify("read_models_1").await;
    let Parting::Sums {
        more,
        streams,
        explained_by: Some(explained),
        ..
    } = &report.differences[0].parting
    else {
        panic!("{report:?}");
    };
    assert_eq!((more["lines_added"], more["tasks"], *streams), (30, 1, 1));
    assert!(explained.twice);
    assert_eq!(of_first_task(&explained.event), ("task.execution-completed.v1", 3));

    world
        .execute("update read_models_1.statistics set tasks = tasks + 3 where status = 'pending'".to_owned())
        .await;
    let report = world.verify("read_models_1").await;
    let unexplained = report.differences.iter().any(|difference| {
        matches!(&difference.parting, Parting::Sums { more, streams: 5, explained_by: None, .. } if more["tasks"] == 3)
    });
    assert!(unexplained, "{report:?}");
}

static PLANTED: TableDefinition = TableDefinition {
    name: "planted",
    key: &[Column::required("stream", ColumnType::Text)],
    columns: &[Column::required("value", ColumnType::Text)],
    kind: TableKind::Rows,
};

/// A projector that breaks its promise.
struct Planted {
    key: fn(&SubjectChange<'_>) -> Value,
    value: Box<dyn Fn(&DecodedEvent) -> String + Send + Sync>,
}

fn by_stream(change: &SubjectChange<'_>) -> Value {
    change.after.stream.as_str().into()
}

impl Projector for Planted {
    fn name(&self) -> &'static str {
        "planted"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "create table planted (stream text collate \"C\" primary key, value text not null);"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&PLANTED] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        let columns = vec![("value", Value::Text((self.value)(event)))];
        operations.insert(&PLANTED, vec![(self.key)(change)], columns);
    }
}

fn with(value: impl Fn(&DecodedEvent) -> String + Send + Sync + 'static) -> Vec<Box<dyn Projector>> {
    let mut projectors = read_model::all();
    projectors.push(Box::new(Planted {
        key: by_stream,
        value: Box::new(value),
    }));
    projectors
}

/// What it has seen before, of whatever stream.
fn depends_on_order() -> Vec<Box<dyn Projector>> {
    let last = std::sync::Mutex::new(String::new());
    with(move |event| std::mem::replace(&mut *last.lock().unwrap(), event.recorded.stream.as_str().to_owned()))
}

/// How many events came before it in this process.
fn depends_on_batches() -> Vec<Box<dyn Projector>> {
    let seen = AtomicU64::new(0);
    with(move |_| seen.fetch_add(1, Ordering::Relaxed).to_string())
}

fn depends_on_a_clock() -> Vec<Box<dyn Projector>> {
    with(|_| format!("{:?}", std::time::SystemTime::now()))
}

fn keeps_its_promise() -> Vec<Box<dyn Projector>> {
    with(|event| event.recorded.event_type.clone())
}

/// Rows of two streams meet, and the last one wins.
fn meets_in_one_row() -> Vec<Box<dyn Projector>> {
    let mut projectors = read_model::all();
    projectors.push(Box::new(Planted {
        key: |change| format!("task-{}", change.after.id).into(),
        value: Box::new(|event| event.recorded.stream.as_str().to_owned()),
    }));
    projectors
}

async fn verified_after(planted: Projectors) -> VerifyReport {
    verified_with(planted, "").await
}

/// The same after somebody has changed the rows.
async fn verified_with(planted: Projectors, changes: &str) -> VerifyReport {
    let world = World::new().await;
    world.append(decided_at_random(22, 120)).await;
    let service = ProjectorService::with_projectors(
        world.store.clone(),
        world.pool.clone(),
        ProjectorOptions::default(),
        planted(),
    );
    let running = run(service);
    world.level(&running).await;
    let generation = running.stop().await;
    world.execute(changes.to_owned()).await;
    world.verify_with(&generation, planted).await.unwrap()
}

#[tokio::test]
async fn a_projector_that_depends_on_more_than_its_events_is_caught() {
    let planted: [(&str, Projectors); 3] = [
        ("order", depends_on_order),
        ("batches", depends_on_batches),
        ("clock", depends_on_a_clock),
    ];
    for (name, planted) in planted {
        let report = verified_after(planted).await;
        assert!(!report.equal, "{name} is not seen");
        for difference in &report.differences {
            assert_eq!(difference.table, "planted", "{name}: {difference:?}");
        }
        let unstable = report
            .differences
            .iter()
            .find(|difference| matches!(difference.parting, Parting::Unstable { .. }));
        let said = unstable.expect("it is told apart from a wrong row").parting.to_string();
        assert!(said.contains("depends on more than the events"), "{said}");
    }
}

#[tokio::test]
async fn rows_of_two_streams_that_meet_are_named() {
    // A conversation and a task with the same number, in different partitions.
    // Which came last may be the same each time by chance, so the rows are made to differ.
    let report = verified_with(meets_in_one_row, "update read_models_1.planted set value = 'neither'").await;
    let said: Vec<String> = report
        .differences
        .iter()
        .map(|difference| difference.parting.to_string())
        .collect();
    let named = |said: &String| said.contains("both task-") && said.contains("depends on which comes last");
    assert!(said.iter().any(named), "{said:?}");
}

#[tokio::test]
async fn a_projector_that_keeps_its_promise_is_not_blamed() {
    let report = verified_after(keeps_its_promise).await;
    assert!(report.equal, "{report:?}");
}

#[tokio::test]
async fn other_projectors_than_those_that_filled_it_cannot_tell() {
    let world = World::after(story()).await;
    let other = world.replay("other", ProjectorOptions::default()).await;
    // Of those that are named it has all, and they are not the same.
    let refused = world.verify_with(&other, read_model::all).await.unwrap_err();
    assert_eq!(refused.code(), "generation.other-projectors");
}

/// The next version of the software has one more read model.
fn next_version() -> Vec<Box<dyn Projector>> {
    keeps_its_promise()
}

#[tokio::test]
async fn what_changes_for_clients_is_shown_at_one_cut_and_accepted_by_its_name() {
    let world = World::after(story()).await;
    let current = run(world.service(crate::administrator::options()));
    let next = ProjectorService::with_projectors(
        world.store.clone(),
        world.pool.clone(),
        crate::administrator::options(),
        next_version(),
    );
    let next = run(next);
    world.complete("read_models_2").await;

    let refused = world.promote("read_models_2").await.unwrap_err();
    assert_eq!(refused.code(), "generation.diff-not-accepted");
    assert!(
        refused.to_string().contains("projections verify read_models_2"),
        "{refused}"
    );

    let report = world.verify_with("read_models_2", next_version).await.unwrap();
    assert!(report.equal, "{report:?}");
    let Some(AgainstServing::Shown { name, diff }) = &report.against_serving else {
        panic!("{report:?}");
    };
    assert!(!diff.equal && diff.same_cut);
    let different: Vec<&str> = diff
        .tables
        .iter()
        .filter(|table| !table.is_equal())
        .map(|table| table.table.as_str())
        .collect();
    assert_eq!(different, ["planted"]);

    let mut acceptance = projections::administration::Acceptance {
        diff: Some("diff-000000000000".to_owned()),
        by: "ada".to_owned(),
        ..Default::default()
    };
    let refused = world.promote_accepting("read_models_2", &acceptance).await.unwrap_err();
    assert_eq!(refused.code(), "generation.diff-unknown");
    acceptance.diff = Some(name.clone());
    world.promote_accepting("read_models_2", &acceptance).await.unwrap();
    assert_eq!(world.serving_schema().await, "read_models_2");
    let kept: Vec<(i32, i32, String, String, String)> =
        sqlx::query_as("select generation, instead_of, kind, name, accepted_by from control.acceptance")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    assert_eq!(kept, [(2, 1, "diff".to_owned(), name.clone(), "ada".to_owned())]);
    // What has served needs no acceptance.
    world.roll_back().await.unwrap();
    current.stop().await;
    next.stop().await;
}

#[tokio::test]
async fn parked_streams_are_accepted_by_a_name_that_follows_from_them() {
    let (world, running) = crate::administrator::followed().await;
    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    running.stop().await;
    let park = |number: u128| {
        format!(
            "insert into control.parked_stream (generation, stream, partition, revision, record_offset, event_type, code, error) \
             values (2, 'task-{}', 0, 3, 7, 'task.painted.v1', 'projection.poison-event', 'unknown')",
            id(number)
        )
    };
    world.execute(park(1)).await;
    let refused = world.promote(&rebuilt).await.unwrap_err();
    let AdministrationError::ParkedNotAccepted { streams: 1, name, .. } = &refused else {
        panic!("{refused:?}");
    };
    let acceptance = projections::administration::Acceptance {
        parked: Some(name.clone()),
        by: "ada".to_owned(),
        ..Default::default()
    };
    // One more is not what was accepted.
    world.execute(park(2)).await;
    let refused = world.promote_accepting(&rebuilt, &acceptance).await.unwrap_err();
    assert_eq!(refused.code(), "generation.parked-not-accepted");
    world
        .execute(format!(
            "delete from control.parked_stream where stream = 'task-{}'",
            id(2)
        ))
        .await;
    world.promote_accepting(&rebuilt, &acceptance).await.unwrap();
    let kept: Vec<(String, String)> = sqlx::query_as("select kind, accepted_by from control.acceptance")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    assert_eq!(kept, [("parked".to_owned(), "ada".to_owned())]);
}

#[tokio::test]
async fn parked_streams_are_compared_as_far_as_they_go_and_what_changes_for_clients_is_shown() {
    let (world, running) = crate::administrator::followed().await;
    let stream = domain::StreamId::of("task", id(3));
    world
        .append_raw(&stream, "task.painted.v1", "{}", crate::harness::at(5))
        .await;
    world
        .append_raw(&stream, "task.deleted.v1", "{}", crate::harness::at(6))
        .await;
    world.level(&running).await;
    let report = world.verify("read_models_1").await;
    assert!(report.equal && report.against_serving.is_none(), "{report:?}");
    assert_eq!(report.parked, 1);

    let rebuilt = world.rebuild().await.unwrap();
    world.complete(&rebuilt).await;
    let report = world.verify(&rebuilt).await;
    let Some(AgainstServing::Shown { diff, .. }) = &report.against_serving else {
        panic!("{report:?}");
    };
    assert!(report.equal && diff.equal, "both stand still before the same event");
    running.stop().await;
}
