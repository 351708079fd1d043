//! Who may use which route. A change of this table is a change of policy.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::TestApi;

/// Route, and the roles that are not answered with 403 (a user as the owner).
const ALLOWED: &[(&str, &str, &[&str])] = &[
    ("POST", "/api/conversations", &["user", "admin"]),
    ("PUT", "/api/conversations/{conversation}", &["user", "admin"]),
    (
        "POST",
        "/api/conversations/{conversation}/messages",
        &["user", "service"],
    ),
    ("POST", "/api/conversations/{conversation}/archive", &["user", "admin"]),
    ("POST", "/api/conversations/{conversation}/reopen", &["user", "admin"]),
    ("DELETE", "/api/conversations/{conversation}", &["user", "admin"]),
    ("POST", "/api/tasks", &["user", "admin", "service"]),
    ("PATCH", "/api/tasks/{task}", &["user", "admin"]),
    (
        "POST",
        "/api/tasks/{task}/classification",
        &["user", "admin", "service"],
    ),
    ("POST", "/api/tasks/{task}/classification#result", &["service"]),
    ("POST", "/api/tasks/{task}/classification#failure", &["service"]),
    ("POST", "/api/tasks/{task}/executions", &["user", "admin", "service"]),
    (
        "POST",
        "/api/tasks/{task}/executions/{execution}/progress",
        &["service"],
    ),
    (
        "POST",
        "/api/tasks/{task}/executions/{execution}/completion",
        &["service"],
    ),
    ("POST", "/api/tasks/{task}/executions/{execution}/failure", &["service"]),
    ("POST", "/api/tasks/{task}/pull-request", &["service"]),
    ("POST", "/api/tasks/{task}/cancel", &["user", "admin"]),
    ("POST", "/api/tasks/{task}/retry", &["user", "admin"]),
    ("DELETE", "/api/tasks/{task}", &["user", "admin"]),
];

fn body_of(method: &str, route: &str) -> Value {
    match (method, route) {
        ("POST", "/api/conversations") | ("PUT", _) => json!({"title": "t", "ownerId": null}),
        ("POST", "/api/tasks") => json!({"title": "t", "description": "d"}),
        ("PATCH", _) => json!({"title": "t"}),
        (_, route) if route.ends_with("/messages") => json!({"content": "c"}),
        (_, route) if route.ends_with("#result") => json!({"type": "test", "complexity": "epic", "confidence": 1,
            "classifier": {"name": "n", "version": "1"}}),
        (_, route) if route.ends_with("#failure") => json!({"failure": {"code": "c", "message": "m"}}),
        (_, route) if route.ends_with("/executions") => json!({"strategy": "iterative"}),
        (_, route) if route.ends_with("/progress") => json!({"percent": 5}),
        (_, route) if route.ends_with("/completion") => json!({"filesChanged": 0, "linesAdded": 0, "linesRemoved": 0,
            "tokensUsed": 0, "costMicroUsd": 0, "durationMs": 0}),
        (_, route) if route.ends_with("/failure") => json!({"code": "c", "message": "m", "tokensUsed": 0,
            "costMicroUsd": 0, "durationMs": 0}),
        (_, route) if route.ends_with("/pull-request") => {
            json!({"repository": "a/b", "number": 1, "url": "https://a.b/c"})
        }
        _ => json!({}),
    }
}

#[tokio::test]
async fn each_route_takes_the_roles_of_the_table_and_no_other() {
    let api = TestApi::start().await;
    for (method, route, allowed) in ALLOWED {
        for role in ["user", "analyst", "admin", "service"] {
            let owner = api.client("user");
            let conversation = owner.start_conversation().await;
            let task = owner.create_task().await;
            let execution = Uuid::new_v4();
            let client = if role == "user" { owner } else { api.client(role) };
            let mut body = body_of(method, route);
            if role == "service" && *route == "/api/tasks" {
                body["ownerId"] = json!(Uuid::new_v4());
            }
            if role == "service" && *route == "/api/conversations" {
                body["ownerId"] = json!(Uuid::new_v4());
            } else if *method == "PUT" {
                body = json!({"title": "t"});
            }
            let path = route
                .split('#')
                .next()
                .unwrap()
                .replace("{conversation}", &conversation.to_string())
                .replace("{task}", &task.to_string())
                .replace("{execution}", &execution.to_string());
            let reply = client
                .request(method.parse::<Method>().unwrap(), path)
                .json(&body)
                .send()
                .await;
            let is_allowed = reply.status != 403;
            assert_eq!(
                is_allowed,
                allowed.contains(&role),
                "{method} {route} by {role}: {reply:?}"
            );
            assert!(
                !matches!(reply.status.as_u16(), 400 | 401 | 422 | 500..),
                "{method} {route} by {role}: {reply:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_bulk_route_holds_to_the_same_table() {
    let api = TestApi::start().await;
    for role in ["user", "analyst", "admin"] {
        let client = api.client(role);
        let line = json!({"command": "task.link-pull-request", "id": Uuid::new_v4(),
            "body": {"repository": "a/b", "number": 1, "url": "https://a.b/c"}});
        let answers = client.bulk(&line.to_string()).await;
        assert_eq!(
            (&answers[0]["status"], &answers[0]["code"]),
            (&json!(403), &json!("auth.role-not-allowed")),
            "{role}"
        );
        for (field, value) in [
            ("id", json!(Uuid::new_v4())),
            ("at", json!("2020-01-01T00:00:00Z")),
            ("provenance", json!("git:a/b")),
        ] {
            let mut line = json!({"command": "conversation.start", "body": {"title": "t"}});
            line[field] = value;
            let answers = client.bulk(&line.to_string()).await;
            let code = if role == "analyst" {
                "auth.role-not-allowed"
            } else {
                "auth.service-only-field"
            };
            assert_eq!(answers[0]["code"], json!(code), "{role} {field}: {answers:?}");
        }
    }
}
