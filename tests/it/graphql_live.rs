//! Subscriptions and live queries with the official clients, on the running program: one that projects too, and one that only answers queries.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::node::Driven;
use system_tests::{Client, LogKind, System};
use uuid::Uuid;

const THREAD: &str =
    "subscription($id: ID!, $after: String) { conversation(id: $id, after: $after) { messages { content } } }";
const LIVE: &str = "query { conversations(first: 5) @live { nodes { title messageCount } } }";

async fn started(client: &Client) -> String {
    let request = client
        .request(Method::POST, "/api/conversations")
        .json(&json!({ "title": "live" }));
    request.send().await.unwrap().body["id"].as_str().unwrap().to_owned()
}

async fn say(client: &Client, conversation: &str, text: &str) {
    let path = format!("/api/conversations/{conversation}/messages");
    let reply = client
        .request(Method::POST, &path)
        .json(&json!({ "content": text }))
        .send()
        .await
        .unwrap();
    assert_eq!(reply.status, 201, "{reply:?}");
}

/// The next answer of a subscription; what else is said meanwhile is of no interest.
async fn next(driven: &mut Driven, id: &str) -> Value {
    loop {
        let mut heard = driven.hear().await;
        assert!(heard.get("error").is_none() && heard.get("closed").is_none(), "{heard}");
        if heard["next"] == id {
            return heard["value"].take();
        }
    }
}

fn texts(answer: &Value) -> Vec<String> {
    let messages = answer["data"]["conversation"]["messages"].as_array().unwrap();
    messages
        .iter()
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect()
}

/// Answers until these messages were told, each once and in order; the position of the last answer.
async fn told(driven: &mut Driven, id: &str, expected: &[&str]) -> String {
    let mut heard = Vec::new();
    loop {
        let answer = next(driven, id).await;
        heard.extend(texts(&answer));
        assert!(
            expected.starts_with(&heard.iter().map(String::as_str).collect::<Vec<_>>()),
            "{heard:?}"
        );
        if heard.len() == expected.len() {
            return answer["extensions"]["position"].as_str().unwrap().to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_are_told_what_changes_and_miss_nothing_when_they_come_back() {
    for log in LogKind::ALL {
        let mut system = System::on(log).start().await;
        system.wait_level().await;
        // It follows the changes that the other one projects.
        system.add_role("query-api", &[]).await;
        let owner = Uuid::new_v4();
        let client = system.client_as("user", owner);
        let token = system.token("user", owner, Duration::from_mins(10));
        let thread = started(&client).await;
        say(&client, &thread, "before").await;
        for (number, script) in [
            (0, "websocket.mjs"),
            (1, "websocket.mjs"),
            (0, "events.mjs"),
            (1, "events.mjs"),
        ] {
            system.wait_level().await;
            let url = format!("{}/graphql", system.url(number));
            let subscribe = |after: Option<&str>| json!({ "subscribe": "thread", "query": THREAD, "variables": { "id": thread, "after": after } });
            let mut driven = Driven::start(script, &[&url, &token]).await;
            driven.tell(&subscribe(None)).await;
            assert_eq!(texts(&next(&mut driven, "thread").await), Vec::<String>::new());
            driven.tell(&json!({ "subscribe": "list", "query": LIVE })).await;
            let before = next(&mut driven, "list").await["data"]["conversations"]["nodes"][0]["messageCount"].clone();
            say(&client, &thread, "one").await;
            let after = next(&mut driven, "list").await["data"]["conversations"]["nodes"][0]["messageCount"].clone();
            assert_eq!(after.as_i64(), before.as_i64().map(|count| count + 1), "{script}");
            drop(driven);
            let mut driven = Driven::start(script, &[&url, &token]).await;
            driven.tell(&subscribe(None)).await;
            next(&mut driven, "thread").await;
            say(&client, &thread, "two").await;
            let position = told(&mut driven, "thread", &["two"]).await;
            drop(driven);
            for text in ["three", "four"] {
                say(&client, &thread, text).await;
            }
            let mut driven = Driven::start(script, &[&url, &token]).await;
            driven.tell(&subscribe(Some(&position))).await;
            say(&client, &thread, "five").await;
            told(&mut driven, "thread", &["three", "four", "five"]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_clients_understand_why_a_service_does_not_want_them() {
    let system = System::on(LogKind::Postgresql).start().await;
    system.wait_level().await;
    let url = format!("{}/graphql", system.url(0));
    let expired = system.expired_token("user", Uuid::new_v4());
    let mut driven = Driven::start("websocket.mjs", &[&url, &expired]).await;
    let heard = driven.hear().await;
    assert_eq!(heard["closed"]["code"], 4403, "{heard}");
    let mut driven = Driven::start("events.mjs", &[&url, &expired]).await;
    driven.tell(&json!({ "subscribe": "a", "query": LIVE })).await;
    let heard = driven.hear().await;
    assert_eq!(
        (&heard["error"], &heard["errors"][0]["status"]),
        (&json!("a"), &json!(401)),
        "{heard}"
    );
    // A subscription that is wrong ends alone.
    let token = system.token("user", Uuid::new_v4(), Duration::from_mins(10));
    let mut driven = Driven::start("websocket.mjs", &[&url, &token]).await;
    assert_eq!(driven.hear().await, json!({ "open": true }));
    driven
        .tell(&json!({ "subscribe": "wrong", "query": "subscription { nothing }" }))
        .await;
    let heard = driven.hear().await;
    assert_eq!(
        heard["errors"][0]["extensions"]["code"], "graphql.validation-failed",
        "{heard}"
    );
    driven
        .tell(&json!({ "subscribe": "right", "query": "subscription { statistics { rows { tasks } } }" }))
        .await;
    assert_eq!(
        next(&mut driven, "right").await["data"]["statistics"]["rows"][0]["tasks"],
        0
    );
    // A token that ends.
    let short = system.token("user", Uuid::new_v4(), Duration::from_secs(2));
    let mut driven = Driven::start("websocket.mjs", &[&url, &short]).await;
    assert_eq!(driven.hear().await, json!({ "open": true }));
    let heard = driven.hear().await;
    assert_eq!(heard["closed"]["code"], 4403, "{heard}");
}
