//! Mutations whose commands are decided in another process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::post;
use platform::http::{HttpOptions, ServeLimits, serve, with_standard_layers};
use platform::shutdown::Shutdown;
use query_api::{CommandsOverHttp, QueryApiOptions};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);
const START: &str = "mutation { start: startConversation(input: {title: \"a\", clientMutationId: \"mine\"}) {
    __typename ... on CommandTaken { revision repeated conversation { title } } ... on CommandRefused { code field } } }";

/// Serves until the world ends; the address.
async fn served(router: Router, shutdown: &Shutdown) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, router, shutdown.clone(), ServeLimits::default()));
    format!("http://{address}")
}

async fn world_at(url: &str, patience: Duration) -> World {
    let mut world = World::start_without_projector(QueryApiOptions::default()).await;
    world.give_commands_to(Arc::new(CommandsOverHttp::new(url, patience).unwrap()));
    world
}

#[tokio::test]
async fn the_command_api_of_another_process_answers_as_one_in_this_process_would() {
    let mut world = World::start().await;
    let router = command_api::router(world.command_api());
    let router = with_standard_layers(router, &HttpOptions::default(), command_api::BODY_LIMITS);
    let url = served(router, &world.shutdown).await;
    world.give_commands_to(Arc::new(CommandsOverHttp::new(&url, PATIENCE).unwrap()));
    let ann = Uuid::new_v4();
    for repeated in [false, true] {
        let asked = json!({ "query": START, "extensions": { "withinMs": 20_000 } });
        let reply = world.post("user", ann, &asked).await;
        let taken = json!({ "__typename": "CommandTaken", "revision": 0, "repeated": repeated, "conversation": { "title": "a" } });
        assert_eq!(reply.body["data"]["start"], taken, "{}", reply.body);
    }
    let analyst = world.post("analyst", ann, &json!({ "query": START })).await;
    let refused = json!({ "__typename": "CommandRefused", "code": "auth.role-not-allowed", "field": null });
    assert_eq!(analyst.body["data"]["start"], refused, "{}", analyst.body);
}

#[tokio::test]
async fn the_command_goes_out_in_the_name_of_its_caller_and_within_the_same_request() {
    let seen: Arc<Mutex<Vec<(HeaderMap, Bytes)>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let take = async move |headers: HeaderMap, body: Bytes| {
        kept.lock().unwrap().push((headers, body));
        "{\"line\":1,\"status\":422,\"code\":\"test.kept\"}\n"
    };
    let shutdown = Shutdown::new();
    let url = served(Router::new().route("/below/api/commands", post(take)), &shutdown).await;
    let world = world_at(&format!("{url}/below/"), PATIENCE).await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let token = world.token("user", Uuid::new_v4());
    let router = with_standard_layers(world.router.clone(), &HttpOptions::default(), &[]);
    let request = Request::post("/graphql")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("x-correlation-id", "from-the-client")
        .header("traceparent", traceparent)
        .body(Body::from(json!({ "query": START }).to_string()))
        .unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let seen = seen.lock().unwrap();
    let [(headers, body)] = seen.as_slice() else {
        panic!("one request: {seen:?}");
    };
    assert_eq!(headers["authorization"], format!("Bearer {token}"));
    assert_eq!(headers["x-correlation-id"], "from-the-client");
    assert_eq!(headers["traceparent"], traceparent);
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let line: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(
        line,
        json!({ "command": "conversation.start", "commandId": "mine", "body": { "title": "a" } })
    );
    shutdown.trigger();
}

/// The extensions of the error that a mutation gets.
async fn failed(world: &World) -> Value {
    let reply = world.post("user", Uuid::new_v4(), &json!({ "query": START })).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body["data"]),
        (200, &json!({ "start": null })),
        "{}",
        reply.body
    );
    let extensions = reply.body["errors"][0]["extensions"].clone();
    assert_eq!(extensions["clientMutationId"], "mine");
    extensions
}

#[tokio::test]
async fn what_another_process_does_wrong_has_a_code_and_an_outcome() {
    let shutdown = Shutdown::new();
    let unavailable = "{\"line\":1,\"status\":503,\"code\":\"command.contended\",\"outcome\":\"not-applied\",\"retryAfterSeconds\":1}";
    for (name, status, body, code, outcome, command_code) in [
        (
            "contended",
            200,
            unavailable.to_owned(),
            "commands.unavailable",
            "not-applied",
            json!("command.contended"),
        ),
        (
            "defect",
            200,
            "{\"line\":1,\"status\":500,\"code\":\"log.corrupt\",\"outcome\":\"not-applied\"}".to_owned(),
            "commands.failed",
            "not-applied",
            json!("log.corrupt"),
        ),
        (
            "in doubt",
            200,
            "{\"line\":1,\"status\":503,\"code\":\"log.outcome-unknown\",\"outcome\":\"unknown\"}".to_owned(),
            "commands.unavailable",
            "unknown",
            json!("log.outcome-unknown"),
        ),
        ("nothing", 200, String::new(), "commands.failed", "unknown", Value::Null),
        (
            "no line",
            200,
            "<html>".to_owned(),
            "commands.failed",
            "unknown",
            Value::Null,
        ),
        (
            "endless",
            200,
            "x".repeat(100_000),
            "commands.failed",
            "unknown",
            Value::Null,
        ),
        (
            "another key",
            401,
            "{\"code\":\"auth.invalid-token\"}".to_owned(),
            "commands.failed",
            "not-applied",
            json!("auth.invalid-token"),
        ),
        (
            "another place",
            404,
            "not here".to_owned(),
            "commands.failed",
            "not-applied",
            Value::Null,
        ),
        (
            "a gateway",
            502,
            "bad gateway".to_owned(),
            "commands.unavailable",
            "unknown",
            Value::Null,
        ),
    ] {
        let answer = move || async move { (StatusCode::from_u16(status).unwrap(), body) };
        let url = served(Router::new().route("/api/commands", post(answer)), &shutdown).await;
        let extensions = failed(&world_at(&url, PATIENCE).await).await;
        assert_eq!(
            (&extensions["code"], &extensions["outcome"], &extensions["commandCode"]),
            (&json!(code), &json!(outcome), &command_code),
            "{name}"
        );
    }
    shutdown.trigger();
}

#[tokio::test]
async fn without_a_connection_nothing_was_applied() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let extensions = failed(&world_at(&format!("http://{free}"), PATIENCE).await).await;
    assert_eq!(
        (&extensions["code"], &extensions["outcome"]),
        (&json!("commands.unavailable"), &json!("not-applied"))
    );
}

#[tokio::test]
async fn a_connection_that_ends_or_stays_silent_leaves_the_outcome_unknown() {
    for closes in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taking = tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                if closes {
                    // Read, so that the request was sent for certain.
                    let _read = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 64]).await;
                } else {
                    kept.push(stream);
                }
            }
        });
        let extensions = failed(&world_at(&url, Duration::from_millis(300)).await).await;
        assert_eq!(
            (&extensions["code"], &extensions["outcome"]),
            (&json!("commands.unavailable"), &json!("unknown")),
            "closes: {closes}"
        );
        taking.abort();
    }
}
