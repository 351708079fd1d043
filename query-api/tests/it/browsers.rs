//! What browsers and proxies need: pages of which sites may ask, and what is compressed.

use axum::http::Method;
use query_api::QueryApiOptions;
use serde_json::{Value, json};

use crate::call::Call;
use crate::world::World;

const TYPENAME: &str = "{ __typename }";

async fn world() -> World {
    World::start_without_projector(QueryApiOptions {
        allowed_origins: vec!["https://dashboard.example".to_owned()],
        ..QueryApiOptions::default()
    })
    .await
}

#[tokio::test]
async fn pages_of_other_sites_get_no_answer() {
    let world = world().await;
    for (origin, host, status) in [
        (None, "api.example", 200),
        (Some("https://api.example"), "api.example", 200),
        (Some("http://127.0.0.1:5000"), "127.0.0.1:5000", 200),
        (Some("https://dashboard.example"), "api.example", 200),
        (Some("https://evil.example"), "api.example", 403),
        (Some("http://127.0.0.1:5001"), "127.0.0.1:5000", 403),
        (Some("null"), "api.example", 403),
    ] {
        for call in [
            Call::post(&world, json!({ "query": TYPENAME })),
            Call::get(&world, "query=%7B__typename%7D"),
        ] {
            let mut call = call.with("host", host);
            if let Some(origin) = origin {
                call = call.with("origin", origin);
            }
            let reply = call.reply().await;
            assert_eq!(reply.status.as_u16(), status, "{origin:?}");
            if status == 403 {
                assert_eq!(reply.body["code"], "origin.not-allowed");
            }
        }
    }
}

#[tokio::test]
async fn a_named_site_may_read_the_answer_and_another_may_not() {
    let world = world().await;
    let preflight = |origin: &'static str| {
        let call = Call::post(&world, "")
            .without("authorization")
            .with("origin", origin)
            .with("access-control-request-method", "POST")
            .with("access-control-request-headers", "authorization,content-type");
        Call {
            method: Method::OPTIONS,
            ..call
        }
    };
    let reply = preflight("https://dashboard.example").reply().await;
    assert_eq!(reply.status.as_u16(), 200);
    assert_eq!(
        reply.headers["access-control-allow-origin"],
        "https://dashboard.example"
    );
    let allowed = reply.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(allowed.contains("authorization"), "{allowed}");
    let reply = preflight("https://evil.example").reply().await;
    assert!(!reply.headers.contains_key("access-control-allow-origin"));
    let asked = Call::post(&world, json!({ "query": TYPENAME })).with("origin", "https://dashboard.example");
    assert_eq!(
        asked.reply().await.headers["access-control-allow-origin"],
        "https://dashboard.example"
    );
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_can_read_that() {
    let world = world().await;
    let large = json!({ "query": "{ __schema { types { name description } } }" });
    let reply = Call::post(&world, &large).with("accept-encoding", "gzip").reply().await;
    assert_eq!(reply.headers["content-encoding"], "gzip");
    assert_eq!(reply.body, Value::Null, "not readable as it came");
    assert!(
        reply.headers.get_all("vary").iter().any(|vary| vary
            .to_str()
            .unwrap()
            .to_lowercase()
            .contains("accept-encoding"))
    );
    for call in [
        Call::post(&world, &large),
        Call::post(&world, json!({ "query": TYPENAME })).with("accept-encoding", "gzip"),
    ] {
        let reply = call.reply().await;
        assert!(!reply.headers.contains_key("content-encoding"));
        assert!(reply.body["data"].is_object());
    }
}
