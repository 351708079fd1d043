use chrono::Days;
use domain::task::{Complexity, TaskEvent, TaskType};
use serde_json::Value;

use crate::harness::{Happened, World};
use crate::history::{classified, completed, conversation, created, sent, started, started_execution, task};

/// All groups: (day, type, complexity, status, tasks, executions, messages, lines added, tokens).
async fn groups(world: &World) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let columns = [
        "day",
        "type",
        "complexity",
        "status",
        "tasks",
        "executions",
        "messages",
        "lines_added",
        "tokens_used",
    ];
    let rows = world.serving("statistics").await;
    let mut groups: Vec<_> = rows
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|column| text(&row[column]))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    groups.sort();
    groups
}

fn a_day_later(events: Vec<Happened>) -> Vec<Happened> {
    events
        .into_iter()
        .map(|event| Happened {
            at: event.at + Days::new(1),
            ..event
        })
        .collect()
}

#[tokio::test]
async fn a_task_counts_once_in_the_group_where_it_is_now() {
    let world = World::after(task(1, [created()])).await;
    assert_eq!(groups(&world).await, ["2026-05-04   pending 1 0 0 0 0"]);
    world
        .append(task(1, [classified(TaskType::BugFix, Complexity::Simple)]))
        .await;
    world.project(projections::ProjectorOptions::default()).await;
    assert_eq!(
        groups(&world).await,
        ["2026-05-04 bug-fix simple classifying 1 0 0 0 0"]
    );
}

#[tokio::test]
async fn results_count_on_their_own_day_and_move_with_the_task() {
    let world = World::after(task(1, [created(), classified(TaskType::BugFix, Complexity::Simple)])).await;
    world
        .append(a_day_later(task(1, [started_execution(1), completed(1)])))
        .await;
    world.project(projections::ProjectorOptions::default()).await;
    assert_eq!(
        groups(&world).await,
        [
            "2026-05-04 bug-fix simple completed 1 0 0 0 0",
            "2026-05-05 bug-fix simple completed 0 1 0 30 500"
        ]
    );
    world.append(task(1, [TaskEvent::Deleted])).await;
    world.project(projections::ProjectorOptions::default()).await;
    assert_eq!(
        groups(&world).await,
        [
            "2026-05-04 bug-fix simple deleted 1 0 0 0 0",
            "2026-05-05 bug-fix simple deleted 0 1 0 30 500"
        ]
    );
}

#[tokio::test]
async fn messages_count_on_the_day_they_were_sent() {
    let world = World::after(conversation(1, [started(), sent(1, "a"), sent(2, "b")])).await;
    world.append(a_day_later(conversation(1, [sent(3, "c")]))).await;
    world.project(projections::ProjectorOptions::default()).await;
    assert_eq!(
        groups(&world).await,
        ["2026-05-04    0 0 2 0 0", "2026-05-05    0 0 1 0 0"]
    );
}

#[tokio::test]
async fn tasks_of_one_group_add_up() {
    let world = World::after(
        [task(1, [created()]), task(2, [created()]), task(3, [created()])]
            .into_iter()
            .flatten(),
    )
    .await;
    assert_eq!(groups(&world).await, ["2026-05-04   pending 3 0 0 0 0"]);
}
