//! A bulk request must not hold up the end of the process.

use std::convert::Infallible;

use axum::body::Body;
use platform::shutdown::Shutdown;
use serde_json::json;

use crate::harness::TestApi;

#[tokio::test]
async fn a_bulk_request_ends_at_shutdown_with_all_that_was_read_answered() {
    let shutdown = Shutdown::new();
    let api = TestApi::stopping_with(shutdown.clone()).await;
    let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<String, Infallible>>();
    let call = api
        .client("admin")
        .post("/api/commands")
        .raw("application/x-ndjson", Body::from_stream(receiver));
    let mut answers = call.stream().await;
    let line = json!({"command": "conversation.start", "body": {"title": "good"}}).to_string() + "\n";
    sender.unbounded_send(Ok(line)).unwrap();
    assert_eq!(answers.next_line().await.expect("an answer")["status"], json!(201));
    shutdown.trigger();
    // The client still has its end of the request open.
    assert!(answers.next_line().await.is_none());
    drop(sender);
}
