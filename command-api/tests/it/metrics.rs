//! The numbers that operators see.

use platform::telemetry::{TelemetryOptions, init};
use serde_json::json;

use crate::harness::TestApi;

#[tokio::test]
async fn commands_are_counted_by_aggregate_and_outcome_and_timed() {
    let metrics = init(&TelemetryOptions {
        filter: "off".to_owned(),
        ..Default::default()
    })
    .unwrap();
    let api = TestApi::start().await;
    let user = api.client("user");
    let body = json!({"title": "Counted"});
    let first = user.post("/api/conversations").key("k").json(&body).send().await;
    user.post("/api/conversations")
        .key("k")
        .json(&body)
        .send()
        .await
        .must_be_ok(201, 0);
    let path = format!("/api/conversations/{}/reopen", first.id());
    user.post(path).send().await.must_be(409, "conversation.not-archived");
    let text = metrics.render();
    for outcome in ["done", "already-done", "refused"] {
        let found = text.lines().any(|line| {
            line.starts_with("commands_total{")
                && line.contains("aggregate=\"conversation\"")
                && line.contains(&format!("outcome=\"{outcome}\""))
        });
        assert!(found, "{outcome} is counted in:\n{text}");
    }
    assert!(text.contains("command_seconds"), "{text}");
    assert!(text.contains("commit_commands"), "{text}");
}
