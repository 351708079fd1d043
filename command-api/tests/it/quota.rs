//! Ten starts of executions an hour for each owner.

use serde_json::json;
use uuid::Uuid;

use crate::harness::TestApi;

#[tokio::test]
async fn the_eleventh_start_within_an_hour_waits() {
    let api = TestApi::start().await;
    let user = api.client("user");
    for _ in 0..10 {
        let task = user.create_task().await;
        user.start_execution(task).await;
    }
    let task = user.create_task().await;
    let path = format!("/api/tasks/{task}/executions");
    let body = json!({"strategy": "iterative"});
    let reply = user.post(&path).json(&body).send().await;
    reply.must_be(429, "quota.exhausted");
    let seconds: u64 = reply.header("retry-after").parse().unwrap();
    assert!(
        (3_000..=3_600).contains(&seconds),
        "opens within the hour, in {seconds} s"
    );
    assert_eq!(reply.body["limit"], json!(10));
    assert!(reply.body["retryAt"].is_string(), "{reply:?}");
    assert_eq!(api.event_types(&format!("task-{task}")).await, ["task.created.v1"]);

    // It is the owner's quota, whoever starts; other owners have their own.
    api.client("admin")
        .post(&path)
        .json(&body)
        .send()
        .await
        .must_be(429, "quota.exhausted");
    let other = api.client("user");
    let others_task = other.create_task().await;
    other.start_execution(others_task).await;
}

#[tokio::test]
async fn a_retry_needs_a_place_too_and_a_refused_start_takes_none() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let task = user.create_task().await;
    let path = format!("/api/tasks/{task}");
    user.start_execution(task).await;
    let twice = user
        .post(format!("{path}/executions"))
        .json(&json!({"strategy": "iterative"}))
        .send()
        .await;
    twice.must_be(409, "task.already-in-progress");
    user.post(format!("{path}/cancel")).send().await.must_be_ok(200, 2);
    user.post(format!("{path}/retry")).send().await.must_be_ok(200, 4);
    let quota = format!("quota-{}", user.id);
    assert_eq!(api.event_types(&quota).await.len(), 2);
}

#[tokio::test]
async fn a_repeated_start_takes_one_place() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let task = user.create_task().await;
    let start = || {
        let path = format!("/api/tasks/{task}/executions");
        user.post(path)
            .key("start")
            .json(&json!({"strategy": "iterative"}))
            .send()
    };
    let first = start().await;
    first.must_be_ok(201, 1);
    assert_eq!(start().await.body, first.body);
    assert_eq!(api.event_types(&format!("quota-{}", user.id)).await.len(), 1);
}

#[tokio::test]
async fn imported_starts_take_no_place() {
    let api = TestApi::start().await;
    let owner = Uuid::new_v4();
    let mut lines = String::new();
    for _ in 0..12 {
        let task = Uuid::new_v4();
        let import = |command: &str, body: serde_json::Value| {
            json!({"command": command, "id": task, "provenance": "git:a/b", "at": "2020-01-01T00:00:00Z", "body": body})
                .to_string()
                + "\n"
        };
        lines += &import(
            "task.create",
            json!({"title": "t", "description": "d", "ownerId": owner, "type": "test",
            "complexity": "epic"}),
        );
        lines += &import(
            "task.start-execution",
            json!({"executionId": Uuid::new_v4(), "strategy": "imported"}),
        );
    }
    let answers = api.client("service").bulk(&lines).await;
    assert!(
        answers.iter().all(|answer| answer["status"] == json!(201)),
        "{answers:?}"
    );
    assert!(api.events(&format!("quota-{owner}")).await.is_empty());
}
