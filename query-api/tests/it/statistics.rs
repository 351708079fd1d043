//! Sums.

use domain::task::{Complexity, ExecutionResult, TaskType};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

const DAY: i64 = 24 * 60;

fn result(files: u64, added: u64) -> ExecutionResult {
    ExecutionResult {
        files_changed: files,
        lines_added: added,
        cost_micro_usd: 3_000_000_000,
        ..ExecutionResult::default()
    }
}

async fn two_owners() -> (World, Uuid, Uuid) {
    let world = World::start().await;
    let (ann, ben) = (Uuid::from_u128(1), Uuid::from_u128(2));
    world.conversation(ann, "Talk", 0, &["one", "two"]).await;
    let first = world.task(ann, "a", 0, None).await;
    world
        .finish(first, (TaskType::BugFix, Complexity::Simple), 1, result(2, 10))
        .await;
    let second = world.task(ann, "b", DAY, None).await;
    world
        .finish(second, (TaskType::Feature, Complexity::Simple), DAY + 1, result(3, 100))
        .await;
    world.task(ben, "c", DAY, None).await;
    world.level().await;
    (world, ann, ben)
}

async fn rows(world: &World, role: &str, viewer: Uuid, arguments: &str, fields: &str) -> Value {
    let query = format!("{{ statistics{arguments} {{ rows {{ {fields} }} }} }}");
    world.ask(role, viewer, &query).await["statistics"]["rows"].take()
}

#[tokio::test]
async fn sums_are_split_by_every_dimension() {
    let (world, ann, ben) = two_owners().await;
    let all = "tasks executions messages filesChanged linesAdded costMicroUsd";
    assert_eq!(
        rows(&world, "analyst", ben, "", all).await,
        json!([{ "tasks": 3, "executions": 2, "messages": 2, "filesChanged": 5, "linesAdded": 110, "costMicroUsd": 6_000_000_000_i64 }])
    );
    assert_eq!(
        rows(
            &world,
            "analyst",
            ben,
            "(groupBy: [DAY])",
            "day tasks messages filesChanged"
        )
        .await,
        json!([
            { "day": "2024-05-01", "tasks": 1, "messages": 2, "filesChanged": 2 },
            { "day": "2024-05-02", "tasks": 2, "messages": 0, "filesChanged": 3 },
        ])
    );
    assert_eq!(
        rows(
            &world,
            "analyst",
            ben,
            "(groupBy: [TYPE])",
            "type complexity tasks messages"
        )
        .await,
        json!([
            { "type": null, "complexity": null, "tasks": 1, "messages": 2 },
            { "type": "BUG_FIX", "complexity": null, "tasks": 1, "messages": 0 },
            { "type": "FEATURE", "complexity": null, "tasks": 1, "messages": 0 },
        ])
    );
    assert_eq!(
        rows(
            &world,
            "analyst",
            ben,
            "(groupBy: [OWNER, STATUS, OWNER])",
            "ownerId status tasks"
        )
        .await,
        json!([
            { "ownerId": ann, "status": null, "tasks": 0 },
            { "ownerId": ann, "status": "COMPLETED", "tasks": 2 },
            { "ownerId": ben, "status": "PENDING", "tasks": 1 },
        ])
        .as_array()
        .map(|rows| {
            // The database orders by its columns: status before owner.
            let mut rows = rows.clone();
            rows.sort_by_key(|row| {
                (
                    row["status"].as_str().unwrap_or_default().to_lowercase(),
                    row["ownerId"].to_string(),
                )
            });
            Value::from(rows)
        })
        .unwrap()
    );
}

#[tokio::test]
async fn days_are_included_at_both_ends_and_owners_filter() {
    let (world, ann, ben) = two_owners().await;
    for (arguments, tasks) in [
        ("(from: \"2024-05-01\", to: \"2024-05-01\")".to_owned(), 1),
        ("(from: \"2024-05-02\")".to_owned(), 2),
        ("(to: \"2024-04-30\")".to_owned(), 0),
        (format!("(ownerId: \"{ben}\")"), 1),
    ] {
        let sums = rows(&world, "admin", ann, &arguments, "tasks").await;
        assert_eq!(sums, json!([{ "tasks": tasks }]), "{arguments}");
    }
    assert_eq!(
        rows(&world, "user", ann, "", "tasks messages").await,
        json!([{ "tasks": 2, "messages": 2 }])
    );
    let foreign = format!("(ownerId: \"{ann}\", groupBy: [DAY])");
    assert_eq!(rows(&world, "user", ben, &foreign, "tasks").await, json!([]));
    let wrong = "{ statistics(from: \"2024-13-01\") { rows { tasks } } }";
    assert_eq!(world.refused("user", ann, wrong).await, "argument.invalid");
}
