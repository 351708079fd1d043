//! GraphQL over server-sent events, a connection for each operation.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures::StreamExt as _;
use query_api::QueryApiOptions;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::call::Call;
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);

/// An event stream, read event by event.
struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn of(world: &World, token: &str, body: &Value) -> Self {
        let request = Request::post("/graphql")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .header("accept-encoding", "gzip")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = world.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(
            !response.headers().contains_key("content-encoding"),
            "it must not wait in a compressor"
        );
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event, its name and data; none at the end of the stream.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let found = event.lines().find_map(|line| line.strip_prefix(name));
                    found.map(|value| value.trim_start().to_owned())
                };
                let found = field("event:").map(|name| (name, field("data:").unwrap_or_default()));
                let rest = rest.to_owned();
                self.text = rest;
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let more = tokio::time::timeout(PATIENCE, self.body.next())
                .await
                .expect("something comes in time");
            self.text.push_str(std::str::from_utf8(&more?.unwrap()).unwrap());
        }
    }

    async fn answer(&mut self) -> Value {
        let (name, data) = self.next().await.unwrap();
        assert_eq!(name, "next", "{data}");
        serde_json::from_str(&data).unwrap()
    }

    async fn complete(&mut self) {
        assert_eq!(self.next().await, Some(("complete".to_owned(), String::new())));
        assert_eq!(self.next().await, None);
    }
}

#[tokio::test]
async fn a_subscription_is_a_stream_of_answers_until_its_token_ends() {
    let world = World::start().await;
    let owner = Uuid::new_v4();
    world.level().await;
    let token = world.token_for("user", owner, Duration::from_secs(3));
    let query = json!({ "query": "subscription { statistics { rows { tasks } } }" });
    let mut events = Events::of(&world, &token, &query).await;
    let tasks = |answer: &Value| answer["data"]["statistics"]["rows"][0]["tasks"].as_i64().unwrap();
    assert_eq!(tasks(&events.answer().await), 0);
    world.task(owner, "one", 0, None).await;
    assert_eq!(tasks(&events.answer().await), 1);
    events.complete().await;
}

#[tokio::test]
async fn queries_and_what_is_wrong_are_told_in_the_stream_too() {
    let world = World::start_with(QueryApiOptions::default()).await;
    world.level().await;
    let token = world.token("user", Uuid::new_v4());
    for (query, code) in [
        ("{ __typename }", Value::Null),
        ("{ nothing }", json!("graphql.validation-failed")),
        ("subscription {", json!("graphql.parse-failed")),
    ] {
        let mut events = Events::of(&world, &token, &json!({ "query": query })).await;
        let answer = events.answer().await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
        events.complete().await;
    }
    // Who may not ask, and what is no GraphQL, gets a problem.
    let reply = Call::post(&world, json!({ "query": "{ __typename }" }))
        .with("accept", "text/event-stream")
        .without("authorization")
        .reply()
        .await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body["code"]),
        (401, &json!("auth.missing-token"))
    );
    let reply = Call::post(&world, json!({ "query": 1 }))
        .with("accept", "text/event-stream")
        .reply()
        .await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body["code"]),
        (400, &json!("request.invalid-parameters"))
    );
}

#[tokio::test]
async fn a_stream_ends_with_the_process() {
    let world = World::start().await;
    world.level().await;
    let token = world.token("user", Uuid::new_v4());
    let query = json!({ "query": "subscription { activity { items { id } } }" });
    let mut events = Events::of(&world, &token, &query).await;
    events.answer().await;
    world.stop();
    events.complete().await;
}
