//! Commands may be repeated, and may name the state that they were meant for.

use axum::http::Method;
use event_store::PositionToken;
use serde_json::json;
use uuid::Uuid;

use crate::harness::TestApi;

#[tokio::test]
async fn a_repeated_creation_gives_the_first_answer_through_any_node() {
    let api = TestApi::start().await;
    let id = Uuid::new_v4();
    let body = json!({"title": "Once"});
    let first = api
        .client_as("user", id)
        .post("/api/conversations")
        .key("create-1")
        .json(&body)
        .send()
        .await;
    first.must_be_ok(201, 0);
    assert_eq!(first.header("idempotency-replayed"), "");
    for node in [&api, &api.second_node()] {
        let again = node
            .client_as("user", id)
            .post("/api/conversations")
            .key("create-1")
            .json(&body)
            .send()
            .await;
        again.must_be_ok(201, 0);
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    assert_eq!(api.event_types(&format!("conversation-{}", first.id())).await.len(), 1);
}

#[tokio::test]
async fn a_repeated_command_gives_its_first_revision_after_others_came() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let path = format!("/api/conversations/{}/messages", user.start_conversation().await);
    let first = user.post(&path).key("m1").json(&json!({"content": "one"})).send().await;
    first.must_be_ok(201, 1);
    user.post(&path)
        .key("m2")
        .json(&json!({"content": "two"}))
        .send()
        .await
        .must_be_ok(201, 2);
    // Neither order of keys nor white space makes other content.
    let again = user
        .post(&path)
        .key("m1")
        .raw("application/json", "{ \"content\" : \"one\" }")
        .send()
        .await;
    again.must_be_ok(201, 1);
    assert_eq!(again.body, first.body);
}

#[tokio::test]
async fn a_key_with_other_content_is_refused() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let first = user
        .post("/api/conversations")
        .key("k")
        .json(&json!({"title": "One"}))
        .send()
        .await;
    first.must_be_ok(201, 0);
    let other = user
        .post("/api/conversations")
        .key("k")
        .json(&json!({"title": "Two"}))
        .send()
        .await;
    other.must_be(422, "idempotency.key-reused");
    let path = format!("/api/conversations/{}", first.id());
    user.request(Method::PUT, &path)
        .key("r")
        .json(&json!({"title": "Two"}))
        .send()
        .await
        .must_be_ok(200, 1);
    let as_archive = user.post(format!("{path}/archive")).key("r").send().await;
    as_archive.must_be(422, "idempotency.key-reused");
}

#[tokio::test]
async fn principals_do_not_meet_under_the_same_key() {
    let api = TestApi::start().await;
    let body = json!({"title": "Mine"});
    let one = api
        .client("user")
        .post("/api/conversations")
        .key("same")
        .json(&body)
        .send()
        .await;
    let two = api
        .client("user")
        .post("/api/conversations")
        .key("same")
        .json(&body)
        .send()
        .await;
    one.must_be_ok(201, 0);
    two.must_be_ok(201, 0);
    assert_ne!(one.id(), two.id());
}

#[tokio::test]
async fn a_key_that_was_made_is_returned_and_works() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let body = json!({"title": "Once"});
    let first = user.post("/api/conversations").json(&body).send().await;
    let key = first.header("idempotency-key");
    assert_eq!(Uuid::parse_str(key).unwrap().get_version_num(), 7);
    let again = user.post("/api/conversations").key(key).json(&body).send().await;
    assert_eq!(again.body, first.body);
    let refused = user.post("/api/conversations").json(&json!({"title": ""})).send().await;
    assert!(
        !refused.header("idempotency-key").is_empty(),
        "a refusal returns the key too"
    );
}

#[tokio::test]
async fn a_refused_command_may_succeed_later_under_the_same_key() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let path = format!("/api/conversations/{}", user.start_conversation().await);
    user.post(format!("{path}/reopen"))
        .key("again")
        .send()
        .await
        .must_be(409, "conversation.not-archived");
    user.post(format!("{path}/archive")).send().await.must_be_ok(200, 1);
    user.post(format!("{path}/reopen"))
        .key("again")
        .send()
        .await
        .must_be_ok(200, 2);
}

#[tokio::test]
async fn if_match_lets_only_the_named_revision_change() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let path = format!("/api/conversations/{}", user.start_conversation().await);
    let rename = |title: &str, tag: &str| {
        user.request(Method::PUT, &path)
            .if_match(tag)
            .json(&json!({"title": title}))
            .send()
    };
    rename("One", "\"0\"").await.must_be_ok(200, 1);
    let late = rename("Two", "\"0\"").await;
    late.must_be(412, "precondition.failed");
    assert_eq!(late.body["currentRevision"], json!(1));
    rename("Three", "*").await.must_be_ok(200, 2);
    let nowhere = format!("/api/conversations/{}", Uuid::new_v4());
    let missing = user
        .request(Method::PUT, &nowhere)
        .if_match("*")
        .json(&json!({"title": "x"}))
        .send()
        .await;
    missing.must_be(404, "conversation.not-found");
}

#[tokio::test]
async fn if_match_does_not_tell_strangers_a_revision() {
    let api = TestApi::start().await;
    let id = api.client("user").start_conversation().await;
    let stranger = api.client("user");
    let reply = stranger
        .request(Method::PUT, format!("/api/conversations/{id}"))
        .if_match("\"7\"")
        .json(&json!({"title": "x"}))
        .send()
        .await;
    reply.must_be(404, "conversation.not-found");
    assert!(reply.body.get("currentRevision").is_none(), "{reply:?}");
}

#[tokio::test]
async fn a_position_covers_the_command_and_the_position_that_was_sent() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let first = user
        .post("/api/conversations")
        .json(&json!({"title": "One"}))
        .send()
        .await;
    let second = user
        .post("/api/conversations")
        .header("position", first.header("position"))
        .json(&json!({"title": "Two"}))
        .send()
        .await;
    let token = |text: &str| PositionToken::decode(text).unwrap();
    let (one, two) = (token(first.header("position")), token(second.header("position")));
    assert!(two.cut.covers(&one.cut), "{two:?} covers {one:?}");
    assert_eq!(one.epoch, api.store.epoch());
    let event = &api.events(&format!("conversation-{}", first.id())).await[0];
    assert_eq!(one.cut.next(event.at.partition), event.at.offset + 1);
    assert_eq!(two.stream.unwrap().as_str(), format!("conversation-{}", second.id()));
}
