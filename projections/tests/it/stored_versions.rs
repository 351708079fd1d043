//! Every stored version of every event, raw in the log, makes the rows that its newest form makes: live, rebuilt and folded again.

use domain::stored::{EVENT_TYPES, decode, encode};
use event_store::RecordedEvent;
use projections::{ProjectorOptions, read_model};
use serde_json::Value;

use crate::administrator::options;
use crate::harness::{World, run};
use crate::unchanged_output::of_stored;

/// Each version on a stream of its own, as it was written then.
fn as_stored() -> Vec<RecordedEvent> {
    (1..)
        .zip(EVENT_TYPES)
        .flat_map(|(number, event_type)| of_stored(event_type, number))
        .collect()
}

/// The same as it would be written today.
fn upcast(mut event: RecordedEvent) -> RecordedEvent {
    let newest = encode(&decode(&event.event_type, &event.data).unwrap());
    newest.event_type.clone_into(&mut event.event_type);
    event.data = newest.data;
    event
}

async fn world_of(events: impl IntoIterator<Item = RecordedEvent>) -> World {
    let world = World::new().await;
    for event in events {
        world
            .append_raw(&event.stream, &event.event_type, event.data.get(), event.time)
            .await;
    }
    world.project(ProjectorOptions::default()).await;
    world
}

/// All rows but the ids of events, which are new in each world.
async fn rows(world: &World, schema: &str) -> Vec<(&'static str, Vec<String>)> {
    let mut tables = world.everything(schema).await;
    for (table, rows) in &mut tables {
        for row in rows.iter_mut().filter(|_| *table == "activity") {
            row["id"] = Value::Null;
        }
    }
    let texts = |rows: Vec<Value>| {
        let mut texts: Vec<String> = rows.iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    tables.into_iter().map(|(table, rows)| (table, texts(rows))).collect()
}

#[tokio::test]
async fn a_log_of_old_versions_makes_the_rows_of_the_upcast_log_live_and_rebuilt() {
    let old = world_of(as_stored()).await;
    let new = world_of(as_stored().into_iter().map(upcast)).await;
    let stored: i64 = sqlx::query_scalar("select count(distinct type) from journal.events")
        .fetch_one(&old.pool)
        .await
        .unwrap();
    assert_eq!(
        stored,
        i64::try_from(EVENT_TYPES.len()).unwrap(),
        "every version is in the log as it was written"
    );
    let expected = rows(&new, "read_models_1").await;
    assert_eq!(rows(&old, "read_models_1").await, expected);

    let rebuilt = old.rebuild().await.unwrap();
    let running = run(old.service(options()));
    old.complete(&rebuilt).await;
    running.stop().await;
    assert_eq!(rows(&old, &rebuilt).await, expected);
    let report = old.verify_with(&rebuilt, read_model::all).await.unwrap();
    assert!(report.equal && report.parked == 0, "{report:?}");
}
