use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use platform::problem::Problem;
use serde_json::{Value, json};

#[tokio::test]
async fn a_problem_is_sent_with_all_its_members_and_headers() {
    let problem = Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "stream.revision-differs",
        "Revision differs",
    )
    .detail("the stream has moved on")
    .field("title")
    .limit(200)
    .current_revision(7)
    .outcome("not-applied")
    .correlation_id("abc")
    .retry_after_seconds(3);

    let response = problem.into_response();

    assert_eq!(response.status(), StatusCode::PRECONDITION_FAILED);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["retry-after"], "3");
    let body: Value = serde_json::from_slice(&to_bytes(response.into_body(), 10_000).await.unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "type": "urn:problem-type:stream.revision-differs",
            "title": "Revision differs",
            "status": 412,
            "code": "stream.revision-differs",
            "detail": "the stream has moved on",
            "field": "title",
            "limit": 200,
            "currentRevision": 7,
            "outcome": "not-applied",
            "correlationId": "abc",
            "retryAfterSeconds": 3,
        })
    );
}

#[test]
fn an_extension_cannot_replace_a_standard_member() {
    let problem = Problem::new(StatusCode::CONFLICT, "task.deleted", "Task deleted").with("status", 200);

    assert_eq!(problem.to_json()["status"], 409);
}
