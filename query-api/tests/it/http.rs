//! GraphQL over HTTP.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use platform::token::SigningKey;
use query_api::QueryApiOptions;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::world::World;

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL: &str = "application/graphql-response+json; charset=utf-8";
const TYPENAME: &str = "{ __typename }";

async fn world() -> World {
    World::start_without_projector(QueryApiOptions {
        max_body_bytes: 10_000,
        ..QueryApiOptions::default()
    })
    .await
}

#[tokio::test]
async fn the_media_type_and_status_follow_accept() {
    let world = world().await;
    let good = json!({ "query": TYPENAME });
    let wrong = json!({ "query": "{ nothing }" });
    for (accept, body, status, media_type) in [
        (None, &good, 200, JSON),
        (Some("*/*"), &good, 200, JSON),
        (Some("application/json"), &good, 200, JSON),
        (Some("application/graphql-response+json"), &good, 200, GRAPHQL),
        (None, &wrong, 200, JSON),
        (Some("application/graphql-response+json"), &wrong, 400, GRAPHQL),
    ] {
        let mut call = Call::post(&world, body);
        if let Some(accept) = accept {
            call = call.with("accept", accept);
        }
        let reply = call.reply().await;
        assert_eq!(reply.status.as_u16(), status, "{accept:?} {body}");
        assert_eq!(reply.headers["content-type"], media_type, "{accept:?} {body}");
        assert_eq!(reply.body.get("data").is_some(), body == &good);
        assert!(reply.headers["vary"].to_str().unwrap().contains("Accept"));
    }
    let reply = Call::post(&world, &good).with("accept", "text/html").reply().await;
    assert_eq!(
        (reply.status.as_u16(), &reply.body["code"]),
        (406, &json!("request.not-acceptable"))
    );
}

#[tokio::test]
async fn a_get_carries_all_parameters_in_its_query_string() {
    let world = world().await;
    let query =
        "query=query+A%28%24n%3A+String%21%29%7Ba%3A__type%28name%3A%24n%29%7Bname%7D%7D+query+B%7Bb%3A__typename%7D";
    let reply = Call::get(
        &world,
        &format!("{query}&operationName=A&variables=%7B%22n%22%3A%22Task%22%7D"),
    )
    .reply()
    .await;
    assert_eq!(reply.body, json!({ "data": { "a": { "name": "Task" } } }));
    let reply = Call::get(&world, &format!("{query}&operationName=B&variables="))
        .reply()
        .await;
    assert_eq!(reply.body, json!({ "data": { "b": "Query" } }));
    let reply = Call::get(&world, "query=%7B__typename%7D&variables=%7B").reply().await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(Call::get(&world, "").reply().await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn requests_that_are_no_operation_are_problems() {
    let world = world().await;
    let good = json!({ "query": TYPENAME });
    for (name, call, status, code) in [
        (
            "put",
            Call {
                method: Method::PUT,
                ..Call::post(&world, &good)
            },
            405,
            "route.method-not-allowed",
        ),
        (
            "no type",
            Call::post(&world, &good).without("content-type"),
            415,
            "request.media-type-not-supported",
        ),
        (
            "text",
            Call::post(&world, &good).with("content-type", "text/plain"),
            415,
            "request.media-type-not-supported",
        ),
        (
            "latin",
            Call::post(&world, &good).with("content-type", "application/json; charset=latin1"),
            415,
            "request.media-type-not-supported",
        ),
        ("no json", Call::post(&world, "{"), 400, "request.malformed-json"),
        ("empty", Call::post(&world, ""), 400, "request.malformed-json"),
        (
            "batch",
            Call::post(&world, json!([good])),
            400,
            "request.invalid-parameters",
        ),
        (
            "no query",
            Call::post(&world, json!({})),
            400,
            "request.invalid-parameters",
        ),
        (
            "query 7",
            Call::post(&world, json!({ "query": 7 })),
            400,
            "request.invalid-parameters",
        ),
        (
            "large",
            Call::post(&world, "x".repeat(10_001)),
            413,
            "request.body-too-large",
        ),
        (
            "long",
            Call::get(&world, &"x".repeat(10_001)),
            414,
            "request.uri-too-long",
        ),
    ] {
        let reply = call.reply().await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (status, &json!(code)),
            "{name}"
        );
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{name}");
    }
    for (field, value) in [
        ("operationName", json!(1)),
        ("variables", json!("{}")),
        ("variables", json!([])),
        ("extensions", json!("x")),
    ] {
        let reply = Call::post(&world, json!({ "query": TYPENAME, field: value }))
            .reply()
            .await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["field"]),
            (400, &json!(field)),
            "{value}"
        );
        let absent = Call::post(&world, json!({ "query": TYPENAME, field: null }))
            .reply()
            .await;
        assert_eq!(absent.status, StatusCode::OK, "null {field}");
    }
    let reply = Call {
        method: Method::DELETE,
        ..Call::post(&world, &good)
    }
    .reply()
    .await;
    assert_eq!(reply.headers["allow"], "GET, POST");
}

#[tokio::test]
async fn a_valid_bearer_token_is_needed() {
    let world = world().await;
    let key = SigningKey::from_secret(&[7; 32]);
    let stranger = SigningKey::from_secret(&[8; 32]);
    let subject = Uuid::new_v4();
    let hour = Duration::from_secs(3_600);
    for (name, header, code) in [
        ("none", None, "auth.missing-token"),
        ("basic", Some("Basic abc".to_owned()), "auth.missing-token"),
        ("garbage", Some("Bearer abc".to_owned()), "auth.invalid-token"),
        (
            "another key",
            Some(format!("Bearer {}", stranger.mint(subject, "admin", hour).unwrap())),
            "auth.invalid-token",
        ),
        (
            "unknown role",
            Some(format!("Bearer {}", key.mint(subject, "root", hour).unwrap())),
            "auth.invalid-token",
        ),
    ] {
        let mut call = Call::post(&world, json!({ "query": TYPENAME })).without("authorization");
        if let Some(header) = header {
            call = call.with("authorization", header);
        }
        let reply = call.reply().await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (401, &json!(code)),
            "{name}"
        );
        assert!(
            reply.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
        assert_eq!(reply.body.get("data"), None::<&Value>);
    }
}
