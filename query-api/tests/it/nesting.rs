//! Objects inside lists: right for each row, and one statement a level.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::task::{Complexity, ExecutionResult, TaskType};
use serde_json::{Value, json};
use tracing::field::Field;
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use uuid::Uuid;

use crate::world::World;

async fn three_conversations(world: &World, owner: Uuid) {
    for (number, messages) in [&["a1", "a2", "a3"][..], &["b1"], &[]].into_iter().enumerate() {
        let minute = i64::try_from(number).unwrap();
        let talk = world
            .conversation(owner, &format!("talk {number}"), minute, messages)
            .await;
        let task = world.task(owner, &format!("work {number}"), minute, Some(talk)).await;
        world
            .finish(
                task,
                (TaskType::Test, Complexity::Simple),
                minute,
                ExecutionResult::default(),
            )
            .await;
    }
    world.level().await;
}

const NESTED: &str = "{
    conversations(orderBy: {field: CREATED_AT, direction: ASC}) { nodes {
        title messageCount lastMessage { content }
        newest: messages(last: 2) { totalCount nodes { content } pageInfo { hasPreviousPage } }
        oldest: messages(first: 1) { nodes { content conversation { title } } edges { node { content } } }
    } }
    tasks(orderBy: {field: CREATED_AT, direction: ASC}) { nodes { executions { attempt } conversation { title lastMessage { content } } } }
}";

#[tokio::test]
async fn each_row_gets_its_own_nested_objects() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    three_conversations(&world, ann).await;
    let data = world.ask("user", ann, NESTED).await;
    let talk = |title: &str, newest: Value, total: u64, more: bool, oldest: Value, last: Value| {
        let edges: Vec<Value> = oldest
            .as_array()
            .unwrap()
            .iter()
            .map(|text| json!({ "node": { "content": text } }))
            .collect();
        let first: Vec<Value> = oldest
            .as_array()
            .unwrap()
            .iter()
            .map(|text| json!({ "content": text, "conversation": { "title": title } }))
            .collect();
        json!({
            "title": title, "messageCount": total, "lastMessage": last,
            "newest": { "totalCount": total, "nodes": newest, "pageInfo": { "hasPreviousPage": more } },
            "oldest": { "nodes": first, "edges": edges },
        })
    };
    let content = |text: &str| json!({ "content": text });
    assert_eq!(
        data["conversations"]["nodes"],
        json!([
            talk(
                "talk 0",
                json!([content("a2"), content("a3")]),
                3,
                true,
                json!(["a1"]),
                content("a3")
            ),
            talk("talk 1", json!([content("b1")]), 1, false, json!(["b1"]), content("b1")),
            talk("talk 2", json!([]), 0, false, json!([]), Value::Null),
        ])
    );
    let work = |title: &str, last: Value| json!({ "executions": [{ "attempt": 1 }], "conversation": { "title": title, "lastMessage": last } });
    assert_eq!(
        data["tasks"]["nodes"],
        json!([
            work("talk 0", content("a3")),
            work("talk 1", content("b1")),
            work("talk 2", Value::Null)
        ])
    );
}

#[tokio::test]
async fn more_rows_do_not_cost_more_statements() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    three_conversations(&world, ann).await;
    let few = statements(&world, ann).await;
    assert!((8..=12).contains(&few), "{few} statements");
    for _ in 0..4 {
        three_conversations(&world, ann).await;
    }
    assert_eq!(statements(&world, ann).await, few);
}

/// Statements that the nested query costs, as the driver logs them.
async fn statements(world: &World, viewer: Uuid) -> usize {
    let counter = StatementCounter::default();
    let guard = tracing_subscriber::registry().with(counter.clone()).set_default();
    world.ask("user", viewer, NESTED).await;
    drop(guard);
    counter.0.load(Ordering::SeqCst)
}

/// Counts the statements of the query service; the projector's begin in lower case.
#[derive(Clone, Default)]
struct StatementCounter(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for StatementCounter {
    fn on_event(&self, event: &Event<'_>, _context: LayerContext<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            event.record(&mut |field: &Field, value: &dyn Debug| {
                if field.name() == "summary" && format!("{value:?}").contains("SELECT ") {
                    self.0.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    }
}
