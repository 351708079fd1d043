//! What each conversation route does when all is well.

use axum::http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::harness::TestApi;

#[tokio::test]
async fn a_conversation_lives_from_start_to_deletion() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let started = user
        .post("/api/conversations")
        .json(&json!({"title": "Plans"}))
        .send()
        .await;
    started.must_be_ok(201, 0);
    let id = started.id();
    let path = format!("/api/conversations/{id}");
    assert_eq!(started.header("location"), path);

    let renamed = user
        .request(Method::PUT, &path)
        .json(&json!({"title": "Better plans"}))
        .send()
        .await;
    renamed.must_be_ok(200, 1);
    let sent = user
        .post(format!("{path}/messages"))
        .json(&json!({"content": "Grüße 👋"}))
        .send()
        .await;
    sent.must_be_ok(201, 2);
    let message = sent.body["messageId"].as_str().unwrap().to_owned();
    assert_eq!(sent.header("location"), format!("{path}/messages/{message}"));
    user.post(format!("{path}/archive")).send().await.must_be_ok(200, 3);
    user.post(format!("{path}/reopen"))
        .json(&json!({}))
        .send()
        .await
        .must_be_ok(200, 4);
    user.request(Method::DELETE, &path).send().await.must_be_ok(200, 5);

    let events = api.events(&format!("conversation-{id}")).await;
    let types: Vec<_> = events.iter().map(|event| event.event_type.as_str()).collect();
    assert_eq!(
        types,
        [
            "conversation.started.v1",
            "conversation.renamed.v1",
            "conversation.message-sent.v1",
            "conversation.archived.v1",
            "conversation.reopened.v1",
            "conversation.deleted.v1",
        ]
    );
    let message_data: serde_json::Value = serde_json::from_str(events[2].data.get()).unwrap();
    assert_eq!(message_data["messageId"], json!(message));
    assert_eq!(message_data["content"], json!("Grüße 👋"));
    assert_eq!(message_data["role"], json!("user"));
    assert_eq!(message_data["authorId"], json!(user.id));
    assert!(events.iter().all(|event| event.metadata.actor.as_uuid() == user.id));
}

#[tokio::test]
async fn nothing_to_do_answers_200_with_the_revision_there_is() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let id = user.start_conversation().await;
    let path = format!("/api/conversations/{id}");
    user.request(Method::PUT, &path)
        .json(&json!({"title": "A talk"}))
        .send()
        .await
        .must_be_ok(200, 0);
    assert_eq!(api.event_types(&format!("conversation-{id}")).await.len(), 1);
}

#[tokio::test]
async fn a_service_answers_in_a_conversation_of_a_user() {
    let api = TestApi::start().await;
    let id = api.client("user").start_conversation().await;
    let message = Uuid::new_v4();
    let body = json!({"content": "Here you are", "messageId": message, "model": "m-1", "tokensUsed": 12});
    let sent = api
        .client("service")
        .post(format!("/api/conversations/{id}/messages"))
        .json(&body)
        .send()
        .await;
    sent.must_be_ok(201, 1);
    assert_eq!(sent.body["messageId"], json!(message));
    let events = api.events(&format!("conversation-{id}")).await;
    assert!(events[1].data.get().contains("\"assistant\""), "{}", events[1].data);
}

#[tokio::test]
async fn the_request_is_traced_in_every_event() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let reply = user
        .post("/api/conversations")
        .header("x-correlation-id", "shop-17")
        .header("traceparent", trace)
        .json(&json!({"title": "Traced"}))
        .send()
        .await;
    assert_eq!(reply.header("x-correlation-id"), "shop-17");
    let events = api.events(&format!("conversation-{}", reply.id())).await;
    assert_eq!(events[0].metadata.correlation_id, "shop-17");
    assert_eq!(events[0].metadata.traceparent.as_deref(), Some(trace));
}
