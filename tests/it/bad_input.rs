//! What a client may get wrong: each fault has its status and its stable code, and leaves nothing behind.

use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use system_tests::journal;
use system_tests::{Client, LogKind, Reply, System};
use uuid::Uuid;

/// A fault: who, how, where, with what body, and what must come back.
struct Fault<'a>(&'a Client, Method, &'a str, Value, u16, &'static str);

/// Who and what there is.
struct Scene {
    user: Client,
    stranger: Client,
    analyst: Client,
    service: Client,
    conversation: String,
    deleted: String,
    task: String,
    unknown: Uuid,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_client_has_its_status_and_code_and_no_event_is_written() {
    for log in LogKind::ALL {
        let system = System::on(log).start().await;
        let scene = Scene::set(&system).await;
        system.wait_level().await;
        let events = journal::events(system.pool()).await;
        assert_eq!(events, 4);

        scene.unreadable().await;
        scene.against_rules().await;
        scene.not_allowed().await;
        scene.against_states().await;
        broken_requests(&scene.user, &scene.conversation).await;
        bad_tokens(&system, &scene.user).await;
        system.wait_level().await;
        assert_eq!(
            journal::events(system.pool()).await,
            events,
            "a fault leaves nothing behind"
        );
    }
}

impl Scene {
    async fn set(system: &System) -> Self {
        let user = system.client("user");
        let mut paths = Vec::new();
        for title in ["open", "deleted"] {
            let reply = user
                .command(Method::POST, "/api/conversations", &json!({"title": title}))
                .await;
            paths.push(format!("/api/conversations/{}", reply.id()));
        }
        user.command(Method::DELETE, &paths[1], &json!({})).await;
        let task = user
            .command(Method::POST, "/api/tasks", &new_task("title", json!("t")))
            .await;
        Self {
            stranger: system.client("user"),
            analyst: system.client("analyst"),
            service: system.client("service"),
            deleted: paths.pop().unwrap(),
            conversation: paths.pop().unwrap(),
            task: format!("/api/tasks/{}", task.id()),
            unknown: Uuid::new_v4(),
            user,
        }
    }

    /// Not the JSON of the command.
    async fn unreadable(&self) {
        let (user, code) = (&self.user, "request.invalid-body");
        let (conversations, tasks) = ("/api/conversations", "/api/tasks");
        let seven = "/api/conversations/seven";
        check([
            Fault(user, Method::POST, conversations, json!({"title": 7}), 400, code),
            Fault(user, Method::POST, conversations, json!({}), 400, code),
            Fault(user, Method::POST, conversations, json!([]), 400, code),
            Fault(user, Method::POST, tasks, new_task("colour", json!("red")), 400, code),
            Fault(user, Method::POST, tasks, new_task("type", json!("chore")), 400, code),
            Fault(user, Method::POST, tasks, new_task("priority", json!("9")), 400, code),
            Fault(
                user,
                Method::PUT,
                seven,
                json!({"title": "x"}),
                400,
                "request.id-malformed",
            ),
        ])
        .await;
    }

    /// Content of a wrong length or size.
    async fn against_rules(&self) {
        let (user, too_long) = (&self.user, "conversation.text-too-long");
        let (conversations, tasks) = ("/api/conversations", "/api/tasks");
        let messages = format!("{}/messages", self.conversation);
        let long = |length: usize| json!("ü".repeat(length));
        let (title, content) = (json!({"title": long(201)}), json!({"content": long(10_001)}));
        let description = new_task("description", long(10_001));
        let priority = new_task("priority", json!(10));
        check([
            Fault(user, Method::POST, conversations, title, 422, too_long),
            Fault(
                user,
                Method::POST,
                conversations,
                json!({"title": " "}),
                422,
                "conversation.text-blank",
            ),
            Fault(user, Method::POST, &messages, content, 422, too_long),
            Fault(user, Method::POST, tasks, description, 422, "task.text-too-long"),
            Fault(user, Method::POST, tasks, priority, 422, "task.priority-out-of-range"),
        ])
        .await;
    }

    /// Roles and owners; what belongs to others is not there.
    async fn not_allowed(&self) {
        let Self {
            user,
            stranger,
            analyst,
            service,
            conversation,
            task,
            ..
        } = self;
        let (tasks, role) = ("/api/tasks", "auth.role-not-allowed");
        let for_another = new_task("ownerId", json!(self.unknown));
        let renamed = json!({"title": "x"});
        check([
            Fault(analyst, Method::POST, tasks, new_task("title", json!("x")), 403, role),
            Fault(service, Method::DELETE, task, json!({}), 403, role),
            Fault(user, Method::POST, tasks, for_another, 403, "task.owner-not-allowed"),
            Fault(stranger, Method::PATCH, task, renamed.clone(), 404, "task.not-found"),
            Fault(
                stranger,
                Method::PUT,
                conversation,
                renamed,
                404,
                "conversation.not-found",
            ),
        ])
        .await;
    }

    /// What is not there, no more there, or not in the state for it.
    async fn against_states(&self) {
        let (user, gone) = (&self.user, "conversation.deleted");
        let renamed = json!({"title": "x"});
        let unknown_task = format!("/api/tasks/{}", self.unknown);
        let unknown_conversation = format!("/api/conversations/{}/archive", self.unknown);
        let (reopen, retry) = (format!("{}/reopen", self.conversation), format!("{}/retry", self.task));
        let messages = format!("{}/messages", self.deleted);
        check([
            Fault(
                user,
                Method::PATCH,
                &unknown_task,
                renamed.clone(),
                404,
                "task.not-found",
            ),
            Fault(
                user,
                Method::POST,
                &unknown_conversation,
                json!({}),
                404,
                "conversation.not-found",
            ),
            Fault(user, Method::POST, &reopen, json!({}), 409, "conversation.not-archived"),
            Fault(user, Method::POST, &retry, json!({}), 409, "task.not-retryable"),
            Fault(user, Method::PUT, &self.deleted, renamed, 410, gone),
            Fault(user, Method::POST, &messages, json!({"content": "x"}), 410, gone),
            Fault(user, Method::DELETE, &self.deleted, json!({}), 410, gone),
            Fault(user, Method::POST, "/api/nothing", json!({}), 404, "route.not-found"),
        ])
        .await;
    }
}

/// A task in which one member is another.
fn new_task(member: &str, value: Value) -> Value {
    let mut body = json!({"title": "t", "description": "d"});
    body[member] = value;
    body
}

async fn check<const COUNT: usize>(faults: [Fault<'_>; COUNT]) {
    for Fault(client, method, path, body, status, code) in faults {
        let reply = client.request(method.clone(), path).json(&body).send().await.unwrap();
        assert_eq!(
            (reply.status, reply.text("code")),
            (status, code),
            "{method} {path} {body}: {reply:?}"
        );
        is_problem(&reply);
    }
}

fn is_problem(reply: &Reply) {
    assert_eq!(reply.header("content-type"), "application/problem+json", "{reply:?}");
    assert_eq!(reply.body["status"], reply.status, "{reply:?}");
}

/// What is no JSON, or not for this state.
async fn broken_requests(user: &Client, conversation: &str) {
    let body = json!({"title": "x"});
    let json = "application/json";
    let cases = [
        (
            user.post("/api/conversations").raw(json, "{\"title\": oops}"),
            400,
            "request.malformed-json",
        ),
        (
            user.post("/api/conversations").raw(json, "{\"title\": \"cut"),
            400,
            "request.malformed-json",
        ),
        (
            user.post("/api/conversations").raw("text/plain", body.to_string()),
            415,
            "request.media-type-not-supported",
        ),
        (
            user.post("/api/conversations").key("two words").json(&body),
            400,
            "idempotency.key-invalid",
        ),
        (
            user.request(Method::PUT, conversation).if_match(7).json(&body),
            412,
            "precondition.failed",
        ),
        (
            user.request(Method::PUT, conversation)
                .header("if-match", "seven")
                .json(&body),
            400,
            "precondition.malformed",
        ),
        (
            user.request(Method::GET, "/api/conversations"),
            405,
            "route.method-not-allowed",
        ),
    ];
    for (request, status, code) in cases {
        let reply = request.send().await.unwrap();
        assert_eq!((reply.status, reply.text("code")), (status, code), "{reply:?}");
        is_problem(&reply);
    }
}

/// Not once, since a server that closes the connection on a body it did not read makes the answer a matter of luck.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_always_answered() {
    let system = System::on(LogKind::Postgresql)
        .setting("COMMAND_API__RATE_BURST", "1000")
        .start()
        .await;
    let user = system.client("user");
    for attempt in 0..50 {
        let request = user
            .post("/api/conversations")
            .raw("application/json", " ".repeat(2 << 20));
        let reply = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("attempt {attempt} got no answer: {error:?}"));
        assert_eq!(
            (reply.status, reply.text("code")),
            (413, "request.body-too-large"),
            "{reply:?}"
        );
        is_problem(&reply);
    }
    assert_eq!(journal::events(system.pool()).await, 0);
}

async fn bad_tokens(system: &System, user: &Client) {
    let expired = system.expired_token("user", user.user());
    let emperor = system.token("emperor", user.user(), Duration::from_mins(1));
    let cases = [
        (None, "auth.missing-token"),
        (Some("nonsense"), "auth.invalid-token"),
        (Some(emperor.as_str()), "auth.invalid-token"),
        (Some(expired.as_str()), "auth.expired-token"),
    ];
    for (token, code) in cases {
        let client = user.with_token(token);
        for (path, body) in [
            ("/api/conversations", json!({"title": "x"})),
            ("/graphql", json!({"query": "{ __typename }"})),
        ] {
            let reply = client.post(path).json(&body).send().await.unwrap();
            assert_eq!((reply.status, reply.text("code")), (401, code), "{path}: {reply:?}");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{reply:?}");
        }
    }
}
