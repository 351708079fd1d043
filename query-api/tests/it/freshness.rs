//! Reading one's own writes.

use std::time::Duration;

use event_store::{Cut, LogEpoch, PositionToken};
use query_api::QueryApiOptions;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

fn after(query: &str, extensions: &Value) -> Value {
    json!({ "query": query, "extensions": extensions })
}

const COUNT: &str = "{ tasks { totalCount } }";

#[tokio::test]
async fn an_answer_covers_the_position_that_was_asked_for() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    for count in 1..=20 {
        world.task(ann, "Work", count, None).await;
        let position = world.end().await;
        let reply = world
            .post(
                "user",
                ann,
                &after(COUNT, &json!({ "after": position, "withinMs": 20_000 })),
            )
            .await;
        assert_eq!(reply.body["data"]["tasks"]["totalCount"], count, "{}", reply.body);
        let answered = PositionToken::decode(reply.body["extensions"]["position"].as_str().unwrap()).unwrap();
        assert!(answered.cut.covers(&PositionToken::decode(&position).unwrap().cut));
        assert_eq!(reply.body["extensions"]["stale"], Value::Null);
        assert!(
            reply.body["extensions"]["generation"]
                .as_str()
                .unwrap()
                .starts_with("read_models_")
        );
    }
}

#[tokio::test]
async fn a_projector_that_starts_while_a_query_waits_lets_it_through() {
    let mut world = World::start_without_projector(QueryApiOptions::default()).await;
    let ann = Uuid::new_v4();
    world.start_projector();
    world.level().await;
    world.task(ann, "Work", 0, None).await;
    let position = world.end().await;
    // No handle: the query service polls, as it does in a process of its own.
    let reply = world
        .post(
            "user",
            ann,
            &after(COUNT, &json!({ "after": position, "withinMs": 20_000 })),
        )
        .await;
    assert_eq!(reply.body["data"]["tasks"]["totalCount"], 1, "{}", reply.body);
}

fn beyond(position: &str) -> String {
    let mut token = PositionToken::decode(position).unwrap();
    token.cut.raise(0, 1_000_000);
    token.encode()
}

#[tokio::test]
async fn a_position_that_is_not_reached_is_an_error_or_stale_data_as_the_client_wants() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world.task(ann, "Work", 0, None).await;
    let never = beyond(&world.level().await);
    let reply = world
        .post("user", ann, &after(COUNT, &json!({ "after": never, "withinMs": 50 })))
        .await;
    assert_eq!(reply.body["errors"][0]["extensions"]["code"], "freshness.timeout");
    assert!(reply.body.get("data").is_none());
    assert_eq!(reply.status, 503);
    let stale = json!({ "after": never, "withinMs": 50, "onTimeout": "STALE" });
    let reply = world.post("user", ann, &after(COUNT, &stale)).await;
    assert_eq!(reply.body["data"]["tasks"]["totalCount"], 1);
    assert_eq!(reply.body["extensions"]["stale"], true);
}

#[tokio::test]
async fn a_token_of_another_log_is_told_apart_at_once() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world.level().await;
    let foreign = PositionToken {
        epoch: LogEpoch(Uuid::new_v4()),
        cut: Cut::start(),
        stream: None,
    }
    .encode();
    let asked = after(COUNT, &json!({ "after": foreign, "withinMs": 30_000 }));
    let reply = tokio::time::timeout(Duration::from_secs(10), world.post("user", ann, &asked))
        .await
        .unwrap();
    assert_eq!(
        reply.body["errors"][0]["extensions"]["code"],
        "freshness.token-of-another-log"
    );
}

#[tokio::test]
async fn wrong_freshness_parameters_are_refused() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    let position = world.level().await;
    for (extensions, code) in [
        (json!({ "after": "nonsense" }), "freshness.token-invalid"),
        (json!({ "after": 7 }), "request.invalid-parameters"),
        (
            json!({ "after": position, "withinMs": 30_001 }),
            "request.invalid-parameters",
        ),
        (
            json!({ "after": position, "withinMs": -1 }),
            "request.invalid-parameters",
        ),
        (
            json!({ "after": position, "onTimeout": "MAYBE" }),
            "request.invalid-parameters",
        ),
    ] {
        let reply = world.post("user", ann, &after(COUNT, &extensions)).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!(code)),
            "{extensions}"
        );
    }
}

#[tokio::test]
async fn the_schema_can_be_read_without_a_snapshot() {
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let reply = world
        .post(
            "user",
            Uuid::new_v4(),
            &json!({ "query": "{ __typename __schema { queryType { name } } }" }),
        )
        .await;
    assert_eq!(
        reply.body,
        json!({ "data": { "__typename": "Query", "__schema": { "queryType": { "name": "Query" } } } })
    );
}

#[tokio::test]
async fn a_parked_stream_is_marked_and_its_position_is_not_waited_for() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    let parked = world.task(ann, "Parked", 0, None).await;
    let fine = world.task(ann, "Fine", 1, None).await;
    let stream = domain::StreamId::of("task", parked);
    let painted = event_store::NewEvent {
        id: domain::EventId::new(Uuid::new_v4()),
        event_type: "task.painted.v1".to_owned(),
        time: chrono::DateTime::UNIX_EPOCH,
        data: serde_json::value::RawValue::from_string("{}".to_owned()).unwrap(),
    };
    let options = event_store::AppendToStreamOptions::anonymous(event_store::StreamState::Any);
    world
        .store
        .append_to_stream(&stream, &options, vec![painted])
        .await
        .unwrap();
    world.level().await;
    let cut = world.store.end().await.unwrap();
    let token = PositionToken {
        epoch: world.store.epoch(),
        cut,
        stream: Some(stream),
    }
    .encode();
    let query =
        format!(r#"{{ parked: task(id: "{parked}") {{ degraded title }} fine: task(id: "{fine}") {{ degraded }} }}"#);
    let refused = world
        .post(
            "user",
            ann,
            &after(&query, &json!({ "after": token, "withinMs": 20_000 })),
        )
        .await;
    assert_eq!(
        refused.body["errors"][0]["extensions"]["code"], "projection.parked",
        "{}",
        refused.body
    );
    let stale = world
        .post(
            "user",
            ann,
            &after(
                &query,
                &json!({ "after": token, "withinMs": 20_000, "onTimeout": "STALE" }),
            ),
        )
        .await;
    assert_eq!(
        stale.body["data"],
        json!({ "parked": { "degraded": true, "title": "Parked" }, "fine": { "degraded": false } }),
        "{}",
        stale.body
    );
    assert_eq!(stale.body["extensions"]["stale"], true);
    assert_eq!(stale.body["extensions"]["parkedStreams"], 1);
}
