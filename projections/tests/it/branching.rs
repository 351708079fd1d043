//! Variants of the history: what would have been.

use domain::StreamId;
use domain::conversation::ConversationEvent;
use event_store::{AppendToStreamOptions, Cut, EventStore as _, NewEvent, ReadAllOptions, StreamState};
use projections::ProjectorOptions;
use projections::travel::{Branch, Journey, Script, TravelError, Variant};

use crate::harness::{World, at, id};
use crate::history::{completed, conversation, created, decided_at_random, started, started_execution, task};
use crate::travelling::{building, complete, start, to};

pub(crate) fn branch(name: &str, target: &Cut, drop: &[&str], map: Option<&str>) -> Journey {
    let variant = Variant {
        drop: drop.iter().map(|condition| condition.parse().unwrap()).collect(),
        map: map.map(|script| Script::parse(script).unwrap()),
    };
    Journey {
        branch: Some(Branch {
            name: name.to_owned(),
            variant,
        }),
        ..to(target)
    }
}

/// The same log without some events.
async fn without(world: &World, dropped: impl Fn(&str) -> bool) -> World {
    let other = World::new().await;
    let options = ReadAllOptions {
        max_count: 10_000,
        ..ReadAllOptions::default()
    };
    for event in world.store.read_all(&options).await.unwrap() {
        if dropped(&event.event_type) {
            continue;
        }
        let options = AppendToStreamOptions {
            stream_state: StreamState::Any,
            stamp: event.metadata,
        };
        let new = NewEvent {
            id: event.id,
            event_type: event.event_type,
            time: event.time,
            data: event.data,
        };
        other
            .store
            .append_to_stream(&event.stream, &options, vec![new])
            .await
            .unwrap();
    }
    other
}

#[tokio::test]
async fn a_branch_without_events_is_a_log_that_never_had_them() {
    let world = World::after(decided_at_random(15, 500)).await;
    let end = world.store.end().await.unwrap();
    let drop = ["type=conversation.message-*", "type=task.amended.v1"];
    let travel = complete(&world, building(&world, branch("quiet", &end, &drop, None)).await).await;
    let tally = travel.tally.clone().unwrap();
    assert!(tally.dropped["conversation.message-sent.v1"] > 0);
    assert_eq!(tally.left_out.counts, std::collections::BTreeMap::new());

    let other = without(&world, |name| {
        name.starts_with("conversation.message-") || name == "task.amended.v1"
    })
    .await;
    let schema = other.project(ProjectorOptions::default()).await;
    assert_eq!(
        world.everything(&travel.generation).await,
        other.everything(&schema).await
    );
    assert_eq!(
        world.promote("quiet").await.unwrap_err().code(),
        "generation.disposable"
    );

    // One that drops nothing is the log.
    let same = complete(&world, building(&world, branch("same", &end, &[], None)).await).await;
    world.assert_equal(&same.generation, "read_models_1").await;
    let taken = start(&world, branch("same", &end, &[], None)).await;
    assert!(matches!(taken, Err(TravelError::NameTaken { .. })));
    for name in ["as_of_1", "Ann", "", "a b", "1st"] {
        assert!(
            matches!(
                start(&world, branch(name, &end, &[], None)).await,
                Err(TravelError::NameInvalid { .. })
            ),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_fits_nowhere_is_left_out_and_told() {
    let mut history = conversation(1, [started(), ConversationEvent::Archived]);
    history.extend(task(2, [created(), started_execution(1), completed(1)]));
    let world = World::after(history).await;
    let painted = StreamId::of("task", id(2));
    world.append_raw(&painted, "task.painted.v1", "{}", at(9)).await;
    let end = world.store.end().await.unwrap();
    let drop = ["type=conversation.started", "type=task.execution-started"];
    let travel = complete(&world, building(&world, branch("holes", &end, &drop, None)).await).await;
    let tally = travel.tally.unwrap();
    let left: Vec<_> = tally
        .left_out
        .first
        .iter()
        .map(|misfit| (misfit.event_type.as_str(), misfit.revision))
        .collect();
    assert_eq!(
        left,
        [
            // What cannot be read is left out before anything is folded.
            ("task.painted.v1", 3),
            ("conversation.archived.v1", 1),
            ("task.execution-completed.v1", 2)
        ]
    );
    assert_eq!(tally.left_out.counts["conversation.archived.v1"], 1);
    let tasks = world.rows(&travel.generation, "task").await;
    assert_eq!((tasks.len(), &tasks[0]["status"]), (1, &"pending".into()));
    assert!(world.rows(&travel.generation, "conversation").await.is_empty());
}

#[tokio::test]
async fn a_script_rewrites_and_what_it_does_wrong_names_the_event() {
    let mut history = task(2, [created()]);
    history.extend(conversation(1, [started()]));
    let world = World::after(history).await;
    let end = world.store.end().await.unwrap();
    let script = r#"fn rewrite(event) {
        if event.category == "task" { event.data.title = "What if"; return event; }
    }"#;
    let travel = complete(
        &world,
        building(&world, branch("mapped", &end, &[], Some(script))).await,
    )
    .await;
    assert_eq!(world.rows(&travel.generation, "task").await[0]["title"], "What if");
    let tally = travel.tally.unwrap();
    assert_eq!(
        (
            tally.rewritten["task.created.v1"],
            tally.removed["conversation.started.v1"]
        ),
        (1, 1)
    );

    let wrong = "fn rewrite(event) {\n  event.data.priority = \"high\";\n  event\n}";
    let mut failing = building(&world, branch("wrong", &end, &["category=conversation"], Some(wrong))).await;
    let error = failing.fold(&*world.store, |_, _| {}).await.unwrap_err();
    assert_eq!(error.code(), "travel.script-failed");
    assert!(error.to_string().contains("task.created.v1, revision 0"), "{error}");
    failing.abandon().await.unwrap();
}
