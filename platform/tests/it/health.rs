use axum::http::StatusCode;
use platform::health::Health;
use serde_json::{Value, json};

use crate::running_server::RunningServer;

async fn get(server: &RunningServer, path: &str) -> (StatusCode, Value) {
    let answer = server.client().get(server.url(path)).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn ready_is_answered_only_when_every_part_is_up() {
    let health = Health::new();
    let (journal, api) = (health.register("journal"), health.register("api"));
    let server = RunningServer::start(health.router()).await;

    let (status, body) = get(&server, "/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        body["checks"][0],
        json!({"name": "journal", "status": "down", "reason": "starting"})
    );

    journal.up();
    assert_eq!(get(&server, "/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
    api.up();
    let (status, body) = get(&server, "/health/ready").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("up")));

    journal.down("database is away");
    let (status, body) = get(&server, "/health/ready").await;
    assert_eq!(
        (status, &body["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("down"))
    );
    assert_eq!(body["checks"][0]["reason"], "database is away");
}

#[tokio::test]
async fn live_is_answered_while_parts_are_down() {
    let health = Health::new();
    let _journal = health.register("journal");
    let server = RunningServer::start(health.router()).await;

    assert_eq!(
        get(&server, "/health/live").await,
        (StatusCode::OK, json!({"status": "up", "checks": []}))
    );
}

#[tokio::test]
async fn waiting_for_readiness_ends_when_the_last_part_is_up() {
    let health = Health::new();
    let part = health.register("journal");
    let waiting = tokio::spawn({
        let health = health.clone();
        async move { health.ready().await }
    });
    assert!(!health.is_ready());

    part.up();

    waiting.await.unwrap();
    assert!(health.is_ready());
}
