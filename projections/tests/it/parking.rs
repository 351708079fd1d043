//! An event that cannot be projected stops its stream and nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use domain::task::TaskEvent;
use domain::{DomainEvent, StreamId};
use platform::health::Health;
use projections::administration::{AdministrationError, parked};
use projections::operation::RowOperations;
use projections::subject::SubjectChange;
use projections::table::{Column, TableDefinition, TableKind};
use projections::value::ColumnType;
use projections::{DecodedEvent, Projector, ProjectorOptions, ProjectorService, ProjectorState, read_model};
use serde_json::Value;

use crate::harness::{PATIENCE, Running, World, at, connect, id, run};
use crate::history::{created, decided_at_random, task};

const SCHEMA: &str = "read_models_1";

fn options() -> ProjectorOptions {
    ProjectorOptions {
        look_ms: 10,
        lag_interval_ms: 10,
        ..ProjectorOptions::default()
    }
}

fn renamed(title: &str) -> TaskEvent {
    TaskEvent::Amended {
        title: Some(title.to_owned()),
        description: None,
        task_type: None,
        complexity: None,
        priority: None,
    }
}

fn task_stream(number: u128) -> StreamId {
    StreamId::of("task", id(number))
}

impl World {
    async fn parked(&self) -> Vec<parked::ParkedRecord> {
        parked::list(&self.pool, None).await.unwrap()
    }

    /// Waits until the parked streams are as wanted.
    async fn parked_are(&self, wanted: impl Fn(&[parked::ParkedRecord]) -> bool) -> Vec<parked::ParkedRecord> {
        let look = async {
            loop {
                let parked = self.parked().await;
                if wanted(&parked) {
                    return parked;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, look).await.ok() {
            Some(parked) => parked,
            None => panic!("not so: {:?}", self.parked().await),
        }
    }

    /// The titles of all tasks, in order.
    async fn titles(&self) -> Vec<String> {
        let rows = self.serving("task").await.into_iter();
        let mut titles: Vec<_> = rows.map(|row| row["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles
    }

    /// Puts an event on task 1 that nobody can project, and others around it.
    async fn after_poison(event_type: &str, data: &str) -> (Self, Running, Health) {
        let world = Self::new().await;
        world.append(task(1, [created()])).await;
        world.append_raw(&task_stream(1), event_type, data, at(5)).await;
        world.append(task(1, [renamed("after")])).await;
        world.append(task(2, [created(), renamed("two")])).await;
        let health = Health::new();
        let service = world.service(options()).reporting_to(health.register("projector"));
        let running = run(service);
        world.level(&running).await;
        (world, running, health)
    }
}

#[tokio::test]
async fn an_unknown_event_parks_its_stream_and_everything_else_goes_on() {
    let (world, running, health) = World::after_poison("task.painted.v1", "{}").await;
    // Live events too, of this stream and of others.
    world.append(task(1, [renamed("later")])).await;
    world.append(task(3, [created(), renamed("three")])).await;
    world.level(&running).await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    let parked = &parked[0];
    assert_eq!(parked.stream, task_stream(1).as_str());
    assert_eq!((parked.revision, parked.event_type.as_str()), (1, "task.painted.v1"));
    assert_eq!((parked.code.as_str(), parked.attempts), ("poison.undecodable", 1));
    assert!(!parked.error.is_empty());
    assert_eq!(world.titles().await, ["Fix the build", "three", "two"]);
    tokio::time::timeout(PATIENCE, health.ready()).await.unwrap();
    assert_eq!(running.handle.progress().state, ProjectorState::Following);
    running.stop().await;
    // Whoever starts next knows it.
    let again = run(world.service(options()));
    world.level(&again).await;
    again.stop().await;
    assert_eq!(world.parked().await.len(), 1);
}

#[tokio::test]
async fn malformed_data_and_an_event_that_does_not_continue_its_stream_park_too() {
    let (world, running, _) = World::after_poison("task.created.v1", r#"{"title": 5}"#).await;
    world.append_raw(&task_stream(9), "task.deleted.v1", "{}", at(6)).await;
    world.level(&running).await;
    let parked = world.parked_are(|parked| parked.len() == 2).await;
    let codes: Vec<_> = parked.iter().map(|parked| parked.code.as_str()).collect();
    assert_eq!(codes, ["poison.undecodable", "poison.discontinuous"]);
    assert!(parked[1].error.contains("does not begin"), "{}", parked[1].error);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_is_tried_again_on_request_and_stays_parked_while_nothing_has_changed() {
    let (world, running, _) = World::after_poison("task.painted.v1", "{}").await;
    assert_eq!(
        parked::retry(&world.pool, None, Some(&task_stream(1))).await.unwrap(),
        1
    );
    let parked = world.parked_are(|parked| parked[0].attempts == 2).await;
    assert_eq!(parked[0].revision, 1);
    let unknown = parked::retry(&world.pool, None, Some(&task_stream(2))).await;
    assert!(
        matches!(unknown, Err(AdministrationError::NotParked { .. })),
        "{unknown:?}"
    );
    let unknown = parked::retry(&world.pool, Some("read_models_77"), None).await;
    assert!(
        matches!(unknown, Err(AdministrationError::Unknown { .. })),
        "{unknown:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn past_an_event_that_is_given_up_the_stream_goes_on() {
    let (world, running, _) = World::after_poison("task.painted.v1", "{}").await;
    let nobody = parked::discard(&world.pool, None, &task_stream(2), "no reason").await;
    assert!(
        matches!(nobody, Err(AdministrationError::NotParked { .. })),
        "{nobody:?}"
    );
    let without_reason = parked::discard(&world.pool, None, &task_stream(1), "  ").await;
    assert!(
        matches!(without_reason, Err(AdministrationError::Reason)),
        "{without_reason:?}"
    );
    let given_up = parked::discard(&world.pool, Some(SCHEMA), &task_stream(1), "painted by accident")
        .await
        .unwrap();
    assert_eq!((given_up.len(), given_up[0].revision), (1, 1));
    world.parked_are(<[_]>::is_empty).await;
    world.append(task(1, [renamed("live again")])).await;
    world.level(&running).await;
    assert_eq!(world.titles().await, ["live again", "two"]);
    let discarded = parked::discarded(&world.pool, None).await.unwrap();
    assert_eq!(discarded[0].reason, "painted by accident");
    running.stop().await;
}

#[tokio::test]
async fn what_was_given_up_is_in_neither_fold_of_a_verification() {
    let (world, running, _) = World::after_poison("task.painted.v1", "{}").await;
    parked::discard(&world.pool, Some(SCHEMA), &task_stream(1), "painted by accident")
        .await
        .unwrap();
    world.parked_are(<[_]>::is_empty).await;
    world.append(task(1, [renamed("live again")])).await;
    world.level(&running).await;
    running.stop().await;
    let report = world.verify_with(SCHEMA, read_model::all).await.unwrap();
    assert!(report.equal, "{report:?}");
    assert_eq!((report.discarded, report.parked), (1, 0));
    // What is wrong with such a stream is found all the same.
    sqlx::query("update read_models_1.task set title = 'wrong' where title = 'live again'")
        .execute(&world.pool)
        .await
        .unwrap();
    let report = world.verify_with(SCHEMA, read_model::all).await.unwrap();
    assert_eq!((report.equal, report.different), (false, 1));
    let parting = report.differences[0].parting.to_string();
    assert!(
        parting.contains("the first event of the row is task.created.v1"),
        "{parting}"
    );
}

#[tokio::test]
async fn an_event_given_up_at_the_end_of_its_stream_lets_later_ones_fit() {
    let world = World::new().await;
    world.append(task(1, [created()])).await;
    world.append_raw(&task_stream(1), "task.painted.v1", "{}", at(5)).await;
    let running = run(world.service(options()));
    world.level(&running).await;
    parked::discard(&world.pool, None, &task_stream(1), "painted by accident")
        .await
        .unwrap();
    world.parked_are(<[_]>::is_empty).await;
    world.append(task(1, [renamed("goes on")])).await;
    world.level(&running).await;
    assert_eq!(world.titles().await, ["goes on"]);
    running.stop().await;
}

#[tokio::test]
async fn a_generation_with_too_many_parked_streams_stops() {
    let world = World::new().await;
    for number in 1..5 {
        world
            .append_raw(&task_stream(number), "task.painted.v1", "{}", at(5))
            .await;
    }
    let running = run(world.service(ProjectorOptions {
        parked_streams_max: 2,
        ..options()
    }));
    running
        .until(|progress| matches!(progress.state, ProjectorState::Stopped { .. }))
        .await;
    let ProjectorState::Stopped { reason } = running.handle.progress().state else {
        panic!("not stopped")
    };
    assert!(reason.contains("3 streams"), "{reason}");
    running.stop().await;
}

/// A projector with a table of titles, at fault in one way or another for tasks of the title `boom`.
struct Fussy<F>(F);

static TITLE: TableDefinition = TableDefinition {
    name: "title",
    key: &[Column::required("id", ColumnType::Uuid)],
    columns: &[Column::required("title", ColumnType::Text)],
    kind: TableKind::Rows,
};

impl<F: Fn(&str) -> String + Send + Sync + 'static> Projector for Fussy<F> {
    fn name(&self) -> &'static str {
        "fussy"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "create table title (id uuid primary key, title text not null);"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        const { &[&TITLE] }
    }

    fn project(&self, change: &SubjectChange<'_>, event: &DecodedEvent, operations: &mut RowOperations) {
        if let DomainEvent::Task(TaskEvent::Amended { title: Some(title), .. }) = &event.domain {
            let title = (self.0)(title);
            operations.insert(&TITLE, vec![change.after.id.into()], vec![("title", title.into())]);
        }
    }
}

fn fussy(
    world: &World,
    fault: impl Fn(&str) -> String + Send + Sync + 'static,
    options: ProjectorOptions,
) -> ProjectorService {
    let mut projectors = read_model::all();
    projectors.push(Box::new(Fussy(fault)));
    ProjectorService::with_projectors(world.store.clone(), world.pool.clone(), options, projectors)
}

/// Many tasks, of which one becomes `boom` for a while.
async fn many_and_one(world: &World) {
    world.append(decided_at_random(11, 150)).await;
    world
        .append(task(1_000, [created(), renamed("boom"), renamed("after")]))
        .await;
    world.append(task(1_001, [created(), renamed("fine")])).await;
}

async fn title_of(world: &World, number: u128) -> Option<String> {
    let rows: Vec<Value> = world.serving("title").await;
    let of = rows.iter().find(|row| row["id"] == id(number).to_string());
    of.map(|row| row["title"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_panic_parks_the_stream_and_a_mended_projector_goes_through_all_that_waited() {
    let world = World::new().await;
    many_and_one(&world).await;
    let broken = Arc::new(AtomicBool::new(true));
    let flag = broken.clone();
    let panics = move |title: &str| {
        assert!(title != "boom" || !flag.load(Ordering::Relaxed), "cannot bear {title}");
        title.to_owned()
    };
    let running = run(fussy(&world, panics, options()));
    world.level(&running).await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(parked[0].code, "poison.panicked");
    assert!(parked[0].error.contains("cannot bear boom"), "{}", parked[0].error);
    assert_eq!(title_of(&world, 1_001).await.as_deref(), Some("fine"));
    assert_eq!(title_of(&world, 1_000).await, None);
    broken.store(false, Ordering::Relaxed);
    parked::retry(&world.pool, None, None).await.unwrap();
    world.parked_are(<[_]>::is_empty).await;
    assert_eq!(title_of(&world, 1_000).await.as_deref(), Some("after"));
    running.stop().await;
    // What was made in two steps is what is made in one.
    let replayed = world.replay("replay", ProjectorOptions::default()).await;
    assert_eq!(world.everything(SCHEMA).await, world.everything(&replayed).await);
}

#[tokio::test]
async fn rows_that_the_database_refuses_are_one_events_fault() {
    let world = World::new().await;
    world.append(decided_at_random(11, 150)).await;
    world.append(task(1_000, [created(), renamed("boom")])).await;
    world.append(task(1_001, [created(), renamed("fine")])).await;
    let with_nul = |title: &str| title.replace("boom", "bo\0m");
    let running = run(fussy(&world, with_nul, options()));
    world.level(&running).await;
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(parked[0].stream, task_stream(1_000).as_str());
    assert_eq!((parked[0].code.as_str(), parked[0].revision), ("poison.refused", 1));
    assert_eq!(title_of(&world, 1_001).await.as_deref(), Some("fine"));
    // Tried again, it is refused again, and the rest goes on.
    parked::retry(&world.pool, None, None).await.unwrap();
    world
        .parked_are(|parked| parked[0].attempts == 2 && parked[0].retry_requested_at.is_none())
        .await;
    world.append(task(1_002, [created(), renamed("last")])).await;
    world.level(&running).await;
    assert_eq!(title_of(&world, 1_002).await.as_deref(), Some("last"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 24)]
async fn an_event_that_ends_the_process_again_and_again_is_parked() {
    let world = World::new().await;
    many_and_one(&world).await;
    let (mut crashes, mut stuck) = (0, Vec::new());
    loop {
        // Whoever meets the event says so, and goes no further: not until the others have done their work.
        let (meets, mut met) = tokio::sync::mpsc::unbounded_channel();
        let (end_of_test, is_over) = mpsc::channel::<()>();
        let is_over = Mutex::new(is_over);
        stuck.push(end_of_test);
        let deadly = move |title: &str| {
            if title == "boom" {
                meets.send(()).unwrap();
                is_over.lock().unwrap().recv().unwrap_err();
            }
            title.to_owned()
        };
        // With connections of its own: those of a process that is gone are gone too.
        let process = World {
            pool: connect(&world.database).await,
            store: world.store.clone(),
            database: world.database.clone(),
        };
        let running = run(fussy(&process, deadly, options()));
        let end = event_store::EventStore::end(&*world.store).await.unwrap();
        tokio::select! {
            _ = met.recv() => {
                running.crash().await;
                crashes += 1;
                assert!(crashes < 20, "it is never parked");
            }
            () = running.covers(&end, &*world.store) => {
                running.stop().await;
                break;
            }
        }
    }
    let parked = world.parked().await;
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!(parked[0].stream, task_stream(1_000).as_str());
    assert_eq!((parked[0].code.as_str(), parked[0].revision), ("poison.crashed", 1));
    assert!(parked[0].crashes > 2, "{parked:?}");
    assert_eq!(title_of(&world, 1_001).await.as_deref(), Some("fine"));
}
