//! Status codes by both drafts of GraphQL over HTTP.

use query_api::QueryApiOptions;
use query_api::http::HttpProfile;
use serde_json::{Value, json};

use crate::call::Call;
use crate::world::World;

/// What is asked, and the status: by the audit in the GraphQL media type and in JSON, and by the draft of 2026 in both.
fn table() -> Vec<(&'static str, Value, [u16; 3])> {
    let document = |query: &str| json!({ "query": query });
    vec![
        ("data", document("{ __typename }"), [200, 200, 200]),
        ("no GraphQL", document("{"), [400, 200, 400]),
        ("not of the schema", document("{ nothing }"), [400, 200, 422]),
        (
            "a variable without a value",
            document("query($id: ID!) { task(id: $id) { id } }"),
            [400, 200, 422],
        ),
        (
            "no such operation",
            json!({ "query": "query A { __typename }", "operationName": "B" }),
            [400, 200, 422],
        ),
        ("above a limit", document(&"__typename ".repeat(2_001)), [400, 200, 400]),
        (
            "too costly",
            document("{ tasks(first: 100) { nodes { executions(first: 100) { id status } } } }"),
            [400, 200, 422],
        ),
        (
            "data and errors",
            document("{ __typename task(id: \"x\") { id } }"),
            [200, 200, 294],
        ),
        (
            "parameters of another kind",
            json!({ "qeury": "{ __typename }" }),
            [400, 400, 422],
        ),
    ]
}

#[tokio::test]
async fn each_profile_has_its_own_status_codes() {
    for (profile, columns) in [(HttpProfile::Audit, [0, 1]), (HttpProfile::Draft2026, [2, 2])] {
        let world = World::start_with(QueryApiOptions {
            http_profile: profile,
            max_complexity: 1_000,
            ..QueryApiOptions::default()
        })
        .await;
        world.level().await;
        for (name, body, statuses) in table() {
            for (accept, column) in ["application/graphql-response+json", "application/json"]
                .into_iter()
                .zip(columns)
            {
                let reply = Call::post(&world, &body).with("accept", accept).reply().await;
                assert_eq!(
                    reply.status.as_u16(),
                    statuses[column],
                    "{profile:?} {accept}: {name}: {}",
                    reply.body
                );
                if let Some(status) = reply.body.get("status") {
                    assert_eq!(status, reply.status.as_u16(), "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_cost_is_told_and_enforced_only_when_it_shall_be() {
    use query_api::options::CostMode;
    let costly = json!({ "query": "query($n: Int) { tasks(first: $n) { nodes { id } } }", "variables": { "n": 50 } });
    let cheap = json!({ "query": "query($n: Int) { tasks(first: $n) { nodes { id } } }", "variables": { "n": 2 } });
    for (mode, code) in [
        (CostMode::Enforce, json!("limit.complexity")),
        (CostMode::Measure, Value::Null),
    ] {
        let world = World::start_with(QueryApiOptions {
            max_complexity: 40,
            cost_mode: mode,
            ..QueryApiOptions::default()
        })
        .await;
        world.level().await;
        let reply = Call::post(&world, &costly).reply().await;
        assert_eq!(reply.body["errors"][0]["extensions"]["code"], code, "{}", reply.body);
        let (dear, little) = (reply, Call::post(&world, &cheap).reply().await);
        assert_eq!(little.body["errors"], Value::Null);
        let cost = |body: &Value| body["extensions"]["cost"].as_u64().unwrap();
        assert!(
            cost(&dear.body) > 40 && cost(&little.body) < 20,
            "{} {}",
            dear.body,
            little.body
        );
    }
}

#[tokio::test]
async fn an_answer_has_a_largest_size() {
    let world = World::start_without_projector(QueryApiOptions {
        max_answer_bytes: 2_000,
        ..QueryApiOptions::default()
    })
    .await;
    let large = json!({ "query": "{ __schema { types { name description } } }" });
    let reply = Call::post(&world, &large).reply().await;
    assert_eq!(reply.body["errors"][0]["extensions"]["code"], "limit.answer");
    assert_eq!(reply.body.get("data"), None);
    let reply = Call::post(&world, json!({ "query": "{ __typename }" })).reply().await;
    assert_eq!(reply.body, json!({ "data": { "__typename": "Query" } }));
}
