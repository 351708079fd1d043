//! What each task route does when all is well.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::TestApi;

#[tokio::test]
async fn a_task_lives_from_creation_to_its_pull_request() {
    let api = TestApi::start().await;
    let (user, service) = (api.client("user"), api.client("service"));
    let body = json!({"title": "Fix it", "description": "It is broken", "priority": 3, "conversationId": Uuid::nil()});
    let created = user.post("/api/tasks").json(&body).send().await;
    created.must_be_ok(201, 0);
    let path = format!("/api/tasks/{}", created.id());
    assert_eq!(created.header("location"), path);

    user.request(Method::PATCH, &path)
        .json(&json!({"priority": 5}))
        .send()
        .await
        .must_be_ok(200, 1);
    user.post(format!("{path}/classification"))
        .send()
        .await
        .must_be_ok(200, 2);
    let classified = json!({"type": "bug-fix", "complexity": "medium", "confidence": 0.8251,
        "classifier": {"name": "heuristic", "version": "1"}});
    service
        .post(format!("{path}/classification"))
        .json(&classified)
        .send()
        .await
        .must_be_ok(200, 3);
    let started = user
        .post(format!("{path}/executions"))
        .json(&json!({"strategy": "single-shot"}))
        .send()
        .await;
    started.must_be_ok(201, 4);
    let execution = format!("{path}/executions/{}", started.body["executionId"].as_str().unwrap());
    assert_eq!(started.header("location"), execution);

    let progress = json!({"percent": 50, "log": [{"at": "2026-01-02T03:04:05Z", "level": "info", "message": "half"}]});
    service
        .post(format!("{execution}/progress"))
        .json(&progress)
        .send()
        .await
        .must_be_ok(200, 5);
    let done = json!({"filesChanged": 1, "linesAdded": 2, "linesRemoved": 3, "tokensUsed": 4, "costMicroUsd": 5,
        "durationMs": 6, "commit": "abc"});
    service
        .post(format!("{execution}/completion"))
        .json(&done)
        .send()
        .await
        .must_be_ok(200, 6);
    let landed = json!({"repository": "a/b", "number": 9, "url": "https://example.org/a/b/9"});
    service
        .post(format!("{path}/pull-request"))
        .json(&landed)
        .send()
        .await
        .must_be_ok(200, 7);

    let events = api.events(&format!("task-{}", created.id())).await;
    let types: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "task.created.v1",
            "task.amended.v1",
            "task.classification-requested.v1",
            "task.classified.v1",
            "task.execution-started.v1",
            "task.execution-progressed.v1",
            "task.execution-completed.v1",
            "task.pull-request-linked.v1",
        ]
    );
    let data = |index: usize| serde_json::from_str::<Value>(events[index].data.get()).unwrap();
    assert_eq!(data(0)["ownerId"], json!(user.id));
    assert_eq!(data(3)["confidence"], json!(0.825));
    assert_eq!(data(6)["costMicroUsd"], json!(5));
}

#[tokio::test]
async fn a_failed_execution_is_retried_and_cancelled_and_the_task_deleted() {
    let api = TestApi::start().await;
    let (user, service) = (api.client("user"), api.client("service"));
    let task = user.create_task().await;
    let path = format!("/api/tasks/{task}");
    let execution = user.start_execution(task).await;
    let failed =
        json!({"code": "model.timeout", "message": "too slow", "tokensUsed": 1, "costMicroUsd": 1, "durationMs": 1});
    service
        .post(format!("{path}/executions/{execution}/failure"))
        .json(&failed)
        .send()
        .await
        .must_be_ok(200, 2);
    let retried = user.post(format!("{path}/retry")).send().await;
    retried.must_be_ok(200, 4);
    assert_ne!(retried.body["executionId"], json!(execution));
    user.post(format!("{path}/cancel"))
        .json(&json!({"reason": "enough"}))
        .send()
        .await
        .must_be_ok(200, 5);
    user.request(Method::DELETE, &path).send().await.must_be_ok(200, 6);
    let types = api.event_types(&format!("task-{task}")).await;
    assert_eq!(
        types[2..],
        [
            "task.execution-failed.v1",
            "task.retried.v1",
            "task.execution-started.v1",
            "task.cancelled.v1",
            "task.deleted.v1"
        ]
    );
}

#[tokio::test]
async fn a_classifier_reports_its_failure() {
    let api = TestApi::start().await;
    let (user, service) = (api.client("user"), api.client("service"));
    let task = user.create_task().await;
    let path = format!("/api/tasks/{task}/classification");
    user.post(&path).json(&json!({})).send().await.must_be_ok(200, 1);
    let failure = json!({"failure": {"code": "classifier.down", "message": "no model"}});
    service.post(&path).json(&failure).send().await.must_be_ok(200, 2);
    assert_eq!(
        api.event_types(&format!("task-{task}")).await[2],
        "task.classification-failed.v1"
    );
}

#[tokio::test]
async fn a_service_names_the_execution_and_the_owner() {
    let api = TestApi::start().await;
    let service = api.client("service");
    let (owner, execution) = (Uuid::new_v4(), Uuid::new_v4());
    let body = json!({"title": "Broken build", "description": "Mend it", "ownerId": owner,
        "type": "test", "complexity": "simple"});
    let created = service.post("/api/tasks").json(&body).send().await;
    created.must_be_ok(201, 0);
    let started = service
        .post(format!("/api/tasks/{}/executions", created.id()))
        .json(&json!({"strategy": "iterative", "executionId": execution}))
        .send()
        .await;
    started.must_be_ok(201, 1);
    assert_eq!(started.body["executionId"], json!(execution));
    assert_eq!(api.event_types(&format!("quota-{owner}")).await, ["quota.reserved.v1"]);
}
