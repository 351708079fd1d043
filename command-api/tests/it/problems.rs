//! Every way to be refused at the door or by a rule, with its status and code.

use std::time::Duration;

use axum::http::Method;
use command_api::CommandApiOptions;
use platform::token::SigningKey;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{EXPIRED_TOKEN, SECRET, TestApi};

#[tokio::test]
async fn a_request_without_a_good_token_is_refused() {
    let api = TestApi::start().await;
    let key = SigningKey::from_secret(&SECRET);
    let mint = |key: &SigningKey, role: &str, seconds| {
        format!(
            "Bearer {}",
            key.mint(Uuid::new_v4(), role, Duration::from_secs(seconds)).unwrap()
        )
    };
    let cases = [
        (None, "auth.missing-token"),
        (Some("Basic dXNlcjpwYXNz".to_owned()), "auth.missing-token"),
        (Some("Bearer".to_owned()), "auth.invalid-token"),
        (Some("Bearer nonsense".to_owned()), "auth.invalid-token"),
        (
            Some(mint(&SigningKey::from_secret(&[8; 32]), "user", 60)),
            "auth.invalid-token",
        ),
        (Some(mint(&key, "emperor", 60)), "auth.invalid-token"),
        (Some(format!("Bearer {EXPIRED_TOKEN}")), "auth.expired-token"),
    ];
    for (authorization, code) in cases {
        let stranger = api.client_with(authorization.as_deref());
        for path in ["/api/conversations", "/api/commands"] {
            let reply = stranger.post(path).json(&json!({"title": "x"})).send().await;
            reply.must_be(401, code);
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{reply:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_400_and_says_where() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let broken = user
        .post("/api/conversations")
        .raw("application/json", "{\n  \"title\": oops}")
        .send()
        .await;
    broken.must_be(400, "request.malformed-json");
    assert_eq!((&broken.body["line"], &broken.body["column"]), (&json!(2), &json!(12)));

    let task = json!({"title": "t", "description": "d"});
    let with = |name: &str, value: serde_json::Value| {
        let mut body = task.clone();
        body[name] = value;
        body
    };
    let cases = [
        (json!({"title": "t"}), "description"),
        (with("title", json!(7)), "title"),
        (with("colour", json!("red")), "colour"),
        (with("type", json!("chore")), "type"),
        (with("priority", json!(-1)), "priority"),
        (with("conversationId", json!("x")), "conversationId"),
    ];
    for (body, field) in cases {
        let reply = user.post("/api/tasks").json(&body).send().await;
        reply.must_be(400, "request.invalid-body");
        assert_eq!(reply.body["field"], json!(field), "{reply:?}");
    }
    let reply = user.post("/api/tasks").json(&json!([1])).send().await;
    reply.must_be(400, "request.invalid-body");
    let nested = json!({"type": "test", "complexity": "epic", "confidence": 1, "classifier": {"name": "n"}});
    let path = format!("/api/tasks/{}/classification", Uuid::new_v4());
    let reply = api.client("service").post(path).json(&nested).send().await;
    reply.must_be(400, "request.invalid-body");
    assert_eq!(reply.body["field"], json!("classifier.version"));
    let reply = user
        .post(format!("/api/conversations/{}/archive", Uuid::new_v4()))
        .json(&json!({"x": 1}))
        .send()
        .await;
    reply.must_be(400, "request.invalid-body");
}

#[tokio::test]
async fn headers_and_paths_that_cannot_be_read_are_400() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let body = json!({"title": "x"});
    for key in ["", "two words", "smørrebrød", &"k".repeat(201)] {
        let reply = user.post("/api/conversations").key(key).json(&body).send().await;
        reply.must_be(400, "idempotency.key-invalid");
    }
    for tag in ["W/\"7\"", "7", "\"seven\"", "\"-1\"", "\"1\", \"2\"", "\"\""] {
        let reply = user.post("/api/conversations").if_match(tag).json(&body).send().await;
        reply.must_be(400, "precondition.malformed");
    }
    let reply = user
        .post("/api/conversations")
        .header("position", "???")
        .json(&body)
        .send()
        .await;
    reply.must_be(400, "request.position-malformed");
    let reply = user
        .request(Method::PUT, "/api/conversations/seven")
        .json(&body)
        .send()
        .await;
    reply.must_be(400, "request.id-malformed");
    let path = format!("/api/tasks/{}/executions/seven/progress", Uuid::new_v4());
    let reply = api
        .client("service")
        .post(path)
        .json(&json!({"percent": 1}))
        .send()
        .await;
    reply.must_be(400, "request.id-malformed");
    assert_eq!(reply.body["field"], json!("executionId"));
    let path = format!("/api/tasks/{}/executions/{}/progress", Uuid::new_v4(), Uuid::new_v4());
    let body = json!({"percent": 1, "executionId": Uuid::new_v4()});
    let reply = api.client("service").post(path).json(&body).send().await;
    reply.must_be(400, "request.invalid-body");
}

#[tokio::test]
async fn size_type_method_and_path_have_their_own_status() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(2 << 20));
    let reply = user
        .post("/api/conversations")
        .raw("application/json", large)
        .send()
        .await;
    reply.must_be(413, "request.body-too-large");
    let reply = user
        .post("/api/conversations")
        .raw("text/plain", "{\"title\": \"x\"}")
        .send()
        .await;
    reply.must_be(415, "request.media-type-not-supported");
    user.post("/api/commands")
        .json(&json!({}))
        .send()
        .await
        .must_be(415, "request.media-type-not-supported");
    let reply = user.request(Method::GET, "/api/conversations").send().await;
    assert_eq!(reply.status, 405, "{reply:?}");
    let reply = user.post("/api/nothing").send().await;
    assert_eq!(reply.status, 404, "{reply:?}");
}

#[tokio::test]
async fn rules_about_content_are_422_with_field_and_limit() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let conversation = user.start_conversation().await;
    let long = user
        .post("/api/conversations")
        .json(&json!({"title": "ü".repeat(201)}))
        .send()
        .await;
    long.must_be(422, "conversation.text-too-long");
    assert_eq!(
        (&long.body["field"], &long.body["limit"]),
        (&json!("title"), &json!(200))
    );
    let reply = user
        .post("/api/conversations")
        .json(&json!({"title": " \t"}))
        .send()
        .await;
    reply.must_be(422, "conversation.text-blank");
    let messages = format!("/api/conversations/{conversation}/messages");
    let reply = user.post(&messages).json(&json!({"content": "nul \u{0}"})).send().await;
    reply.must_be(422, "conversation.text-has-nul");
    let reply = user
        .post(&messages)
        .json(&json!({"content": "see", "attachments": [Uuid::new_v4()]}))
        .send()
        .await;
    reply.must_be(422, "conversation.attachment-unknown");
    let reply = user
        .post("/api/tasks")
        .json(&json!({"title": "t", "description": "d", "priority": 300}))
        .send()
        .await;
    reply.must_be(422, "task.priority-out-of-range");
    let reply = api
        .client("service")
        .post("/api/tasks")
        .json(&json!({"title": "t", "description": "d"}))
        .send()
        .await;
    reply.must_be(422, "request.owner-missing");
    let task = user.create_task().await;
    let unsure =
        json!({"type": "test", "complexity": "epic", "confidence": 1.5, "classifier": {"name": "n", "version": "1"}});
    let reply = api
        .client("service")
        .post(format!("/api/tasks/{task}/classification"))
        .json(&unsure)
        .send()
        .await;
    reply.must_be(422, "task.confidence-out-of-range");
}

#[tokio::test]
async fn strangers_roles_and_states_have_their_own_status() {
    let api = TestApi::start().await;
    let (user, service) = (api.client("user"), api.client("service"));
    let conversation = format!("/api/conversations/{}", user.start_conversation().await);
    let archive = format!("{conversation}/archive");
    api.client("user")
        .post(&archive)
        .send()
        .await
        .must_be(404, "conversation.not-found");
    api.client("analyst")
        .post(&archive)
        .send()
        .await
        .must_be(403, "auth.role-not-allowed");
    let to_another = json!({"title": "x", "ownerId": Uuid::new_v4()});
    let reply = user.post("/api/conversations").json(&to_another).send().await;
    assert_eq!(reply.status, 403, "{reply:?}");
    let named = json!({"content": "x", "messageId": Uuid::new_v4()});
    let reply = user.post(format!("{conversation}/messages")).json(&named).send().await;
    reply.must_be(403, "auth.service-only-field");
    assert_eq!(reply.body["field"], json!("messageId"));

    user.post(&archive).send().await.must_be_ok(200, 1);
    let rename = || {
        user.request(Method::PUT, &conversation)
            .json(&json!({"title": "y"}))
            .send()
    };
    rename().await.must_be(409, "conversation.archived");
    user.request(Method::DELETE, &conversation)
        .send()
        .await
        .must_be_ok(200, 2);
    rename().await.must_be(410, "conversation.deleted");
    user.request(Method::DELETE, &conversation)
        .send()
        .await
        .must_be(410, "conversation.deleted");

    let task = user.create_task().await;
    let path = format!("/api/tasks/{task}");
    let old = user.start_execution(task).await;
    user.request(Method::PATCH, &path)
        .json(&json!({"title": "z"}))
        .send()
        .await
        .must_be(409, "task.not-editable-while-in-progress");
    user.post(format!("{path}/cancel")).send().await.must_be_ok(200, 2);
    user.post(format!("{path}/retry")).send().await.must_be_ok(200, 4);
    let late = service
        .post(format!("{path}/executions/{old}/progress"))
        .json(&json!({"percent": 9}))
        .send()
        .await;
    late.must_be(409, "task.execution-not-current");
}

#[tokio::test]
async fn a_user_who_is_too_fast_is_told_when_to_come_back() {
    let options = CommandApiOptions {
        rate_burst: 3.try_into().unwrap(),
        rate_per_second: 1.try_into().unwrap(),
        ..Default::default()
    };
    let api = TestApi::with_options(options).await;
    let user = api.client("user");
    let mut refused = 0;
    for _ in 0..10 {
        let reply = user
            .post("/api/conversations")
            .json(&json!({"title": "x"}))
            .send()
            .await;
        if reply.status == 429 {
            reply.must_be(429, "request.rate-limited");
            assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
            refused += 1;
        }
    }
    assert!(refused >= 1, "ten at once pass a burst of three");
    for _ in 0..10 {
        api.client_as("admin", user.id).start_conversation().await;
    }
}
