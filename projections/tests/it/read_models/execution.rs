use domain::task::{Complexity, TaskEvent, TaskType};
use projections::read_model::EXECUTION_LOG_LINES;
use serde_json::json;

use crate::harness::{World, id, user};
use crate::history::{classified, completed, created, execution, failed, progressed, started_execution, task};

fn ready() -> [TaskEvent; 2] {
    [created(), classified(TaskType::Test, Complexity::Simple)]
}

#[tokio::test]
async fn attempts_are_rows_with_their_own_results() {
    let attempts = [
        started_execution(1),
        failed(1),
        TaskEvent::Retried { attempt: 2 },
        started_execution(2),
        completed(2),
    ];
    let world = World::after(task(1, ready().into_iter().chain(attempts))).await;
    let rows = world.serving("execution").await;
    let first = rows.iter().find(|row| row["attempt"] == 1).unwrap();
    let second = rows.iter().find(|row| row["attempt"] == 2).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (&first["id"], &first["status"], &first["error_code"]),
        (&json!(execution(1)), &json!("failed"), &json!("model.refused"))
    );
    assert_eq!(
        (&first["tokens_used"], &first["lines_added"]),
        (&json!(11), &json!(null))
    );
    assert_eq!(
        (&second["id"], &second["status"], &second["commit"]),
        (&json!(execution(2)), &json!("completed"), &json!("abc123"))
    );
    assert_eq!(
        (&second["lines_added"], &second["owner_id"]),
        (&json!(30), &json!(user(7)))
    );
}

#[tokio::test]
async fn a_cancelled_task_cancels_the_execution_that_ran() {
    let cancelled = TaskEvent::Cancelled { reason: None };
    let world = World::after(task(1, ready().into_iter().chain([started_execution(1), cancelled]))).await;
    let row = world.only("execution").await;
    assert_eq!(row["status"], json!("cancelled"));
    assert_ne!(row["finished_at"], json!(null));
}

#[tokio::test]
async fn a_task_cancelled_later_leaves_the_failed_execution_as_it_was() {
    let events = [started_execution(1), failed(1), TaskEvent::Deleted];
    let world = World::after(task(1, ready().into_iter().chain(events))).await;
    assert_eq!(world.only("execution").await["status"], json!("failed"));
}

#[tokio::test]
async fn only_the_last_lines_of_a_log_are_kept() {
    let reports = [
        progressed(1, Some(10), 0..60),
        progressed(1, None, 60..130),
        progressed(1, Some(90), 130..250),
    ];
    let world = World::after(task(
        1,
        ready().into_iter().chain([started_execution(1)]).chain(reports),
    ))
    .await;
    let row = world.only("execution").await;
    assert_eq!(
        (&row["progress_percent"], &row["log_line_count"], &row["status"]),
        (&json!(90), &json!(250), &json!("running"))
    );
    let mut lines: Vec<_> = world
        .serving("execution_log")
        .await
        .into_iter()
        .map(|row| row["line"].as_i64().unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, (250 - EXECUTION_LOG_LINES + 1..=250).collect::<Vec<_>>());
    let last: (String,) = sqlx::query_as(
        "select message from read_models_1.execution_log where task_id = $1 and attempt = 1 and line = 250",
    )
    .bind(id(1))
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(last.0, "line 249");
}
