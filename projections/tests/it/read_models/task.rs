use domain::task::{Complexity, PullRequest, TaskEvent, TaskType};
use serde_json::{Value, json};

use crate::harness::{World, at, id, user};
use crate::history::{classified, completed, created, execution, failed, started_execution, task};

fn assert_columns(row: &Value, expected: &Value) {
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&row[column], value, "column {column} of {row:#}");
    }
}

fn stored(at: chrono::DateTime<chrono::Utc>) -> Value {
    json!(at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

#[tokio::test]
async fn a_created_task_is_pending_and_knows_nothing_else() {
    let world = World::after(task(1, [created()])).await;
    let row = world.only("task").await;
    assert_columns(
        &row,
        &json!({
            "id": id(1), "owner_id": user(7), "title": "Fix the build", "description": "It fails on Mondays", "type": null,
            "complexity": null, "status": "pending", "priority": 3, "conversation_id": id(50), "classifier": null,
            "running_execution_id": null, "attempt_count": 0, "error_code": null, "pull_request_number": null, "files_changed": 0,
            "created_at": stored(at(0)), "updated_at": stored(at(0)), "revision": 0,
        }),
    );
}

#[tokio::test]
async fn a_finished_task_holds_classification_result_and_pull_request() {
    let pull_request = PullRequest {
        repository: "owner/name".to_owned(),
        number: 12,
        url: "https://example.org/12".to_owned(),
    };
    let world = World::after(task(
        1,
        [
            created(),
            classified(TaskType::BugFix, Complexity::Simple),
            started_execution(1),
            completed(1),
            TaskEvent::PullRequestLinked(pull_request),
        ],
    ))
    .await;
    assert_columns(
        &world.only("task").await,
        &json!({
            "type": "bug-fix", "complexity": "simple", "status": "completed", "classified_type": "bug-fix",
            "confidence_permille": 875, "classifier": "heuristic", "classified_at": stored(at(1)), "running_execution_id": null,
            "attempt_count": 1, "files_changed": 2, "lines_added": 30, "lines_removed": 4, "tokens_used": 500, "cost_micro_usd": 60,
            "duration_ms": 7000, "last_commit": "abc123", "started_at": stored(at(2)), "finished_at": stored(at(3)),
            "pull_request_repository": "owner/name", "pull_request_number": 12, "revision": 4, "updated_at": stored(at(4)),
        }),
    );
}

#[tokio::test]
async fn a_persons_type_is_kept_when_the_classifier_says_another() {
    let amended = TaskEvent::Amended {
        title: None,
        description: None,
        task_type: Some(TaskType::Feature),
        complexity: None,
        priority: None,
    };
    let world = World::after(task(
        1,
        [created(), amended, classified(TaskType::Test, Complexity::Epic)],
    ))
    .await;
    assert_columns(
        &world.only("task").await,
        &json!({ "type": "feature", "complexity": "epic", "classified_type": "test", "status": "classifying" }),
    );
}

#[tokio::test]
async fn a_retry_clears_the_error_and_sums_both_attempts() {
    let first = [
        created(),
        classified(TaskType::Test, Complexity::Simple),
        started_execution(1),
        failed(1),
    ];
    let world = World::after(task(1, first.clone())).await;
    assert_columns(
        &world.only("task").await,
        &json!({ "status": "failed", "error_code": "model.refused", "error_message": "no", "tokens_used": 11 }),
    );

    let retried = [TaskEvent::Retried { attempt: 2 }, started_execution(2)];
    let world = World::after(task(1, first.into_iter().chain(retried.clone()))).await;
    assert_columns(
        &world.only("task").await,
        &json!({
            "status": "in-progress", "error_code": null, "error_message": null, "attempt_count": 2,
            "running_execution_id": execution(2), "finished_at": null,
        }),
    );
    world.append(task(1, [completed(2)])).await;
    world.project(projections::ProjectorOptions::default()).await;
    assert_columns(
        &world.only("task").await,
        &json!({ "status": "completed", "tokens_used": 511, "cost_micro_usd": 72 }),
    );
}

#[tokio::test]
async fn a_cancelled_task_says_why_and_runs_nothing() {
    let cancelled = TaskEvent::Cancelled {
        reason: Some("not needed".to_owned()),
    };
    let world = World::after(task(
        1,
        [
            created(),
            classified(TaskType::Test, Complexity::Simple),
            started_execution(1),
            cancelled,
        ],
    ))
    .await;
    assert_columns(
        &world.only("task").await,
        &json!({ "status": "cancelled", "cancel_reason": "not needed", "running_execution_id": null, "finished_at": stored(at(3)) }),
    );
}

#[tokio::test]
async fn a_deleted_task_keeps_its_row_as_deleted() {
    let world = World::after(task(1, [created(), TaskEvent::Deleted])).await;
    assert_columns(
        &world.only("task").await,
        &json!({ "status": "deleted", "revision": 1 }),
    );
    assert_columns(
        &world.only("subject").await,
        &json!({ "status": "deleted", "stream": format!("task-{}", id(1)) }),
    );
}
