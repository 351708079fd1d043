//! The events of one stream.

use domain::task::{Complexity, ExecutionResult, TaskType};
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn events_come_in_order_with_data_and_who_did_it() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    let task = world.task(ann, "Work", 0, None).await;
    world
        .finish(
            task,
            (TaskType::Test, Complexity::Simple),
            1,
            ExecutionResult::default(),
        )
        .await;
    world.level().await;
    let query = format!(
        r#"{{ streamHistory(stream: "task-{task}", first: 3) {{ totalCount pageInfo {{ hasNextPage endCursor }}
            nodes {{ revision type stream time data role actorId commandId correlationId provenance causationId position id }} }} }}"#
    );
    let data = world.ask("user", ann, &query).await;
    let history = &data["streamHistory"];
    assert_eq!(history["totalCount"], 4);
    let events = history["nodes"].as_array().unwrap();
    let types: Vec<_> = events
        .iter()
        .map(|event| (event["revision"].as_i64().unwrap(), event["type"].as_str().unwrap()))
        .collect();
    assert_eq!(
        types,
        [
            (0, "task.created.v1"),
            (1, "task.classified.v1"),
            (2, "task.execution-started.v1")
        ]
    );
    assert_eq!(events[0]["data"]["title"], "Work");
    assert_eq!(
        (&events[0]["role"], &events[0]["actorId"]),
        (&json!("USER"), &json!(ann))
    );
    assert_eq!(events[1]["role"], "SERVICE");
    assert!(events[0]["commandId"].is_string() && events[0]["correlationId"].is_string());
    assert_eq!(
        (&events[0]["provenance"], &events[0]["causationId"]),
        (&json!(null), &json!(null))
    );
    let next = format!(
        r#"{{ streamHistory(stream: "task-{task}", after: {}) {{ nodes {{ type }} pageInfo {{ hasNextPage }} }} }}"#,
        history["pageInfo"]["endCursor"]
    );
    assert_eq!(
        world.ask("user", ann, &next).await["streamHistory"],
        json!({ "nodes": [{ "type": "task.execution-completed.v1" }], "pageInfo": { "hasNextPage": false } })
    );
    let last = format!(r#"{{ streamHistory(stream: "task-{task}", last: 1) {{ nodes {{ revision }} }} }}"#);
    assert_eq!(
        world.ask("user", ann, &last).await["streamHistory"]["nodes"],
        json!([{ "revision": 3 }])
    );
}

#[tokio::test]
async fn an_unknown_stream_is_empty_and_a_wrong_name_is_refused() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world.task(ann, "Work", 0, None).await;
    world.level().await;
    let unknown = r#"{ streamHistory(stream: "task-nobody") { totalCount nodes { id } } }"#;
    assert_eq!(
        world.ask("admin", ann, unknown).await["streamHistory"],
        json!({ "totalCount": 0, "nodes": [] })
    );
    for name in ["", "a\\u0000b"] {
        let query = format!("{{ streamHistory(stream: \"{name}\") {{ totalCount }} }}");
        assert_eq!(world.refused("admin", ann, &query).await, "argument.invalid", "{name}");
    }
}
