//! The protocol `graphql-transport-ws`, with every code by which a socket is closed.

use std::time::Duration;

use query_api::QueryApiOptions;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::socket::{Heard, PROTOCOL, Socket};
use crate::world::World;

async fn world() -> World {
    let world = World::start_with(QueryApiOptions {
        socket_init_timeout_ms: 200,
        max_operations_per_socket: 2,
        ..QueryApiOptions::default()
    })
    .await;
    world.level().await;
    world
}

async fn closed(socket: &mut Socket) -> (u16, String) {
    match socket.hear().await {
        Heard::Closed(code, reason) => (code, reason),
        other => panic!("not closed: {other:?}"),
    }
}

fn init(credentials: &str) -> Value {
    json!({ "type": "connection_init", "payload": { "authorization": credentials } })
}

#[tokio::test]
async fn a_socket_is_closed_for_what_is_wrong_on_it_with_the_code_of_the_protocol() {
    let world = world().await;
    let viewer = Uuid::new_v4();
    let subscribe = json!({ "type": "subscribe", "id": "a", "payload": { "query": "{ __typename }" } }).to_string();
    // Before it is acknowledged.
    for (name, said, code) in [
        ("no JSON", "{".to_owned(), 4400),
        ("no message", "[]".to_owned(), 4400),
        ("an unknown type", json!({ "type": "x".repeat(500) }).to_string(), 4400),
        ("subscribe", subscribe.clone(), 4401),
        ("no token", json!({ "type": "connection_init" }).to_string(), 4403),
        ("no good token", init("Bearer abc").to_string(), 4403),
        (
            "no text for a token",
            json!({ "type": "connection_init", "payload": { "authorization": 7 } }).to_string(),
            4403,
        ),
    ] {
        let mut socket = Socket::open(&world, PROTOCOL, &[]).await;
        socket.say_text(&said).await;
        assert_eq!(closed(&mut socket).await.0, code, "{name}");
    }
    // And after it.
    for (name, said, code) in [
        ("a second init", json!({ "type": "connection_init" }).to_string(), 4429),
        (
            "an id without an end",
            json!({ "type": "subscribe", "id": "a".repeat(300), "payload": { "query": "{ __typename }" } }).to_string(),
            4400,
        ),
        (
            "no id",
            json!({ "type": "subscribe", "payload": { "query": "{ __typename }" } }).to_string(),
            4400,
        ),
        (
            "no payload",
            json!({ "type": "subscribe", "id": "a" }).to_string(),
            4400,
        ),
    ] {
        let mut socket = Socket::acknowledged(&world, "user", viewer).await;
        socket.say_text(&said).await;
        assert_eq!(closed(&mut socket).await.0, code, "{name}");
    }
    let mut socket = Socket::acknowledged(&world, "user", viewer).await;
    socket.say_bytes(b"{}").await;
    assert_eq!(closed(&mut socket).await.0, 4400);

    let mut silent = Socket::open(&world, PROTOCOL, &[]).await;
    assert_eq!(
        closed(&mut silent).await,
        (4408, "Connection initialisation timeout".to_owned())
    );
    let mut other = Socket::open(&world, "", &[]).await;
    assert_eq!(closed(&mut other).await.0, 4406);
}

#[tokio::test]
async fn an_id_is_free_again_when_its_operation_has_ended() {
    let world = world().await;
    let task = world.task(Uuid::from_u128(1), "one", 0, None).await;
    world.level().await;
    let mut socket = Socket::acknowledged(&world, "analyst", Uuid::new_v4()).await;
    let standing = format!("subscription {{ task(id: \"{task}\") {{ title }} }}");
    socket.subscribe("a", &standing).await;
    assert_eq!(socket.next("a").await["data"]["task"]["title"], "one");
    socket.say(json!({ "type": "complete", "id": "a" })).await;
    socket.subscribe("a", "{ __typename }").await;
    assert_eq!(socket.next("a").await["data"]["__typename"], "Query");
    assert_eq!(
        socket.hear().await,
        Heard::Message(json!({ "type": "complete", "id": "a" }))
    );
    // Of what nobody knows nothing is said.
    socket.say(json!({ "type": "complete", "id": "unknown" })).await;
    socket.say(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(
        socket.hear().await,
        Heard::Message(json!({ "type": "pong", "payload": { "n": 1 } }))
    );
    socket.subscribe("a", &standing).await;
    socket.next("a").await;
    socket.subscribe("a", &standing).await;
    assert_eq!(
        closed(&mut socket).await,
        (4409, "Subscriber for a already exists".to_owned())
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_operation_is_told_of_it_alone() {
    let world = world().await;
    let task = world.task(Uuid::from_u128(1), "one", 0, None).await;
    world.level().await;
    let mut socket = Socket::acknowledged(&world, "analyst", Uuid::new_v4()).await;
    let standing = format!("subscription {{ task(id: \"{task}\") {{ title }} }}");
    for (query, code) in [
        ("{", "graphql.parse-failed"),
        ("{ nothing }", "graphql.validation-failed"),
        ("subscription { nothing }", "graphql.validation-failed"),
        (
            "subscription { activity { items { id } } statistics { rows { tasks } } }",
            "graphql.validation-failed",
        ),
        ("subscription { activity(after: \"x\") { items { id } } }", "none"),
    ] {
        socket.subscribe("wrong", query).await;
        let heard = socket.hear().await;
        let Heard::Message(message) = heard else {
            panic!("{query}: {heard:?}")
        };
        if code == "none" {
            assert_eq!(
                message["payload"]["errors"][0]["extensions"]["code"],
                "freshness.token-invalid"
            );
            socket.say(json!({ "type": "complete", "id": "wrong" })).await;
            continue;
        }
        assert_eq!(message["type"], "error", "{query}: {message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}");
    }
    socket
        .say(json!({ "type": "subscribe", "id": "wrong", "payload": { "query": 7 } }))
        .await;
    let Heard::Message(message) = socket.hear().await else {
        panic!("no error")
    };
    assert_eq!(
        message["payload"][0]["extensions"]["code"],
        "request.invalid-parameters"
    );
    // Two are as many as it carries.
    for id in ["a", "b"] {
        socket.subscribe(id, &standing).await;
        socket.next(id).await;
    }
    socket.subscribe("c", &standing).await;
    let Heard::Message(message) = socket.hear().await else {
        panic!("no error")
    };
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("c")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "limit.operations");
}

#[tokio::test]
async fn a_token_may_come_in_a_header_and_ends_the_socket_when_it_ends() {
    let world = world().await;
    let token = |lifetime| {
        format!(
            "Bearer {}",
            world.token_for("user", Uuid::new_v4(), Duration::from_secs(lifetime))
        )
    };
    let mut socket = Socket::open(&world, PROTOCOL, &[("authorization", token(600))]).await;
    socket.say(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
    let mut socket = Socket::open(&world, PROTOCOL, &[]).await;
    socket.say(init(&token(2))).await;
    assert_eq!(socket.hear().await, Heard::Message(json!({ "type": "connection_ack" })));
    socket
        .subscribe("a", "subscription { activity { items { id } } }")
        .await;
    socket.next("a").await;
    assert_eq!(
        closed(&mut socket).await,
        (4403, "Forbidden: the token has expired".to_owned())
    );
}

#[tokio::test]
async fn a_process_that_stops_says_so() {
    let world = world().await;
    let mut socket = Socket::acknowledged(&world, "user", Uuid::new_v4()).await;
    world.stop();
    assert_eq!(closed(&mut socket).await.0, 1001);
}
