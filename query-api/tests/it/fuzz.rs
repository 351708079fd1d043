//! Whatever is sent, the service answers, says what is wrong, and stays well.
//!
//! Documents are made from those that are right by taking, doubling, exchanging and inventing parts of them, by a seed; so are bodies.
//! `CODING_AGENT_FUZZ_REQUESTS` says how many; the seed of a failure is in its message.

use axum::body::Body;
use axum::http::Request;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

/// In `./dev test`; campaigns take more.
const REQUESTS: u64 = 1_500;

/// Documents that are right, for every part of the schema.
const DOCUMENTS: [&str; 12] = [
    "{ tasks(first: 5, filter: { status: PENDING, text: \"a\" }, orderBy: { field: TITLE }) { totalCount nodes { id title executions(last: 2) { id status } } } }",
    "query Q($id: ID!, $n: Int = 3) { task(id: $id) { ...T conversation { messages(last: $n) { nodes { content } } } } } fragment T on Task { id title type pullRequest { url } }",
    "{ conversations(first: 3) { edges { cursor node { title lastMessage { content } } } pageInfo { hasNextPage endCursor } } }",
    "{ search(text: \"a b\", first: 2) { nodes { rank highlight message { content } } } }",
    "{ statistics(groupBy: [DAY, TYPE], from: \"2024-05-01\") { rows { day type tasks costMicroUsd } } }",
    "{ activity(first: 2, filter: { type: \"task.created\" }) { nodes { at summary } } }",
    "{ streamHistory(stream: \"task-00000000-0000-0000-0000-000000000001\", first: 2) { nodes { revision type data } } }",
    "{ projections { schema state } }",
    "{ node(id: \"00000000-0000-0000-0000-000000000001\") { __typename id ... on Task { title } } }",
    "{ __schema { types { name fields { name args { name } } } } }",
    "{ a: __typename b: tasks(first: 1) @include(if: true) { nodes { id } } c: tasks(first: 0) @skip(if: false) @live { totalCount } }",
    "subscription S { conversation(id: \"00000000-0000-0000-0000-000000000001\", after: \"x\") { messages { content } } }",
];

const INVENTED: [&str; 24] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "@",
    "$",
    "!",
    ":",
    "\"",
    "\"\"\"",
    "null",
    "true",
    "-1",
    "1e999",
    "99999999999999999999",
    "\\u0000",
    "é",
    "#",
    "fragment F on Query { ...F }",
    "mutation",
    "__typename",
];

/// Words and signs, with the blanks between them.
fn parts(document: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for letter in document.chars() {
        let of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        match parts.last_mut() {
            Some(last) if of_word(letter) && last.chars().all(of_word) => last.push(letter),
            _ => parts.push(letter.to_string()),
        }
    }
    parts
}

fn document(random: &mut StdRng) -> String {
    let mut made = parts(DOCUMENTS.choose(random).unwrap());
    for _ in 0..random.random_range(0..6) {
        let at = random.random_range(0..made.len());
        match random.random_range(0..5) {
            0 => {
                made.remove(at);
            }
            1 => made.insert(at, made[at].clone()),
            2 => {
                let other = parts(DOCUMENTS.choose(random).unwrap());
                made[at].clone_from(other.choose(random).unwrap());
            }
            3 => made.insert(at, (*INVENTED.choose(random).unwrap()).to_owned()),
            _ => {
                let until = random.random_range(at..made.len());
                let piece = made[at..until].to_vec();
                let times = random.random_range(1..20);
                for _ in 0..times {
                    made.splice(at..at, piece.iter().cloned());
                }
            }
        }
        if made.is_empty() {
            break;
        }
    }
    made.concat()
}

fn value(random: &mut StdRng, depth: usize) -> Value {
    match random.random_range(0..if depth > 3 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.random::<bool>()),
        2 => json!(random.random::<i64>()),
        3 => json!(random.random::<f64>() * 1e300),
        4 => json!(INVENTED.choose(random).unwrap()),
        5 => json!("00000000-0000-0000-0000-000000000001"),
        6 => (0..random.random_range(0..4))
            .map(|_| value(random, depth + 1))
            .collect(),
        _ => {
            let names = [
                "id",
                "n",
                "after",
                "withinMs",
                "onTimeout",
                "persistedQuery",
                "sha256Hash",
                "version",
            ];
            let members = (0..random.random_range(0..4))
                .map(|_| ((*names.choose(random).unwrap()).to_owned(), value(random, depth + 1)));
            Value::Object(members.collect())
        }
    }
}

fn body(random: &mut StdRng) -> Vec<u8> {
    let mut body = json!({ "query": document(random) });
    for member in ["variables", "extensions", "operationName", "documentId", "query"] {
        if random.random_range(0..8) == 0 {
            body[member] = value(random, 0);
        }
    }
    if random.random_range(0..2) == 0 {
        body["variables"] = json!({ "id": value(random, 3), "n": value(random, 3) });
    }
    let mut bytes = body.to_string().into_bytes();
    if random.random_range(0..10) == 0 {
        let at = random.random_range(0..bytes.len());
        bytes[at] = random.random();
    }
    bytes
}

#[tokio::test]
async fn whatever_is_sent_is_answered_and_nothing_breaks() {
    let world = World::start().await;
    let owner = Uuid::from_u128(1);
    for number in 0..3 {
        world.task(owner, &format!("task {number}"), number, None).await;
        world.conversation(owner, "a thread", number, &["a", "b"]).await;
    }
    world.level().await;
    let token = world.token("user", owner);
    let requests = std::env::var("CODING_AGENT_FUZZ_REQUESTS").map_or(REQUESTS, |text| text.parse().unwrap());
    let mut executed = 0;
    for seed in 0..requests {
        let mut random = StdRng::seed_from_u64(seed);
        let body = body(&mut random);
        let request = Request::post("/graphql")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .header(
                "accept",
                ["application/json", "application/graphql-response+json"][usize::from(random.random::<bool>())],
            )
            .body(Body::from(body.clone()))
            .unwrap();
        let reply = world.send(request).await;
        let sent = String::from_utf8_lossy(&body);
        assert!(
            reply.status.as_u16() < 500,
            "seed {seed}: {} {}\n{sent}",
            reply.status,
            reply.body
        );
        let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
        for error in &errors {
            let code = error["extensions"]["code"].as_str().unwrap_or_default();
            assert!(!["", "internal"].contains(&code), "seed {seed}: {error}\n{sent}");
        }
        let is_answer = reply.body.get("data").is_some() || !errors.is_empty() || reply.body["code"].is_string();
        assert!(is_answer, "seed {seed}: {}\n{sent}", reply.body);
        executed += u64::from(reply.body.get("data").is_some());
    }
    // Not all of it is rubbish.
    assert!(executed > requests / 20, "{executed} of {requests} ran");
    let well = world.ask("user", owner, "{ tasks(first: 1) { totalCount } }").await;
    assert_eq!(well["tasks"]["totalCount"], 3);
}
