//! Mutations that are refused before they run.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use query_api::QueryApiOptions;
use serde_json::json;
use uuid::Uuid;

use crate::command_doubles::Recorder;
use crate::world::World;

const START: &str = "startConversation(input: {title: \"a\"}) { __typename }";

async fn world() -> (World, Recorder) {
    let recorder = Recorder::default();
    let mut world = World::start_without_projector(QueryApiOptions::default()).await;
    world.give_commands_to(Arc::new(recorder.clone()));
    (world, recorder)
}

#[tokio::test]
async fn a_mutation_by_get_is_not_allowed_in_either_media_type() {
    let (world, recorder) = world().await;
    // `mutation { startConversation(input: {title: "a"}) { __typename } }`, and behind a query.
    let mutation = "mutation+M%7BstartConversation(input:%7Btitle:%22a%22%7D)%7B__typename%7D%7D";
    for (query, accept) in [
        (mutation.to_owned(), "application/json"),
        (mutation.to_owned(), "application/graphql-response+json"),
        (format!("query+Q%7B__typename%7D+{mutation}&operationName=M"), "*/*"),
    ] {
        let request = Request::get(format!("/graphql?query={query}"))
            .header(
                "authorization",
                format!("Bearer {}", world.token("user", Uuid::new_v4())),
            )
            .header("accept", accept)
            .body(Body::empty())
            .unwrap();
        let reply = world.send(request).await;
        assert_eq!(reply.status, 405, "{query}: {}", reply.body);
        assert_eq!(reply.headers["allow"], "POST");
        assert_eq!(reply.body["errors"][0]["extensions"]["code"], "request.mutation-by-get");
        assert!(reply.body.get("data").is_none());
    }
    assert!(recorder.lines().is_empty());
    let query = Request::get(format!(
        "/graphql?query=query+Q%7B__typename%7D+{mutation}&operationName=Q"
    ))
    .header(
        "authorization",
        format!("Bearer {}", world.token("user", Uuid::new_v4())),
    )
    .body(Body::empty())
    .unwrap();
    let reply = world.send(query).await;
    // It was let through: nothing serves here.
    assert_eq!(
        reply.body["errors"][0]["extensions"]["code"], "service.not-ready",
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn a_mutation_has_at_most_ten_commands_however_they_are_written() {
    let (world, recorder) = world().await;
    let viewer = Uuid::new_v4();
    let commands = |from: usize, to: usize| {
        (from..to)
            .map(|number| format!("c{number}: {START} "))
            .collect::<String>()
    };
    for query in [
        format!("mutation {{ {} }}", commands(0, 11)),
        format!(
            "mutation {{ {} ...F }} fragment F on Mutation {{ {} }}",
            commands(0, 6),
            commands(6, 11)
        ),
        format!(
            "mutation {{ {} ... on Mutation {{ {} }} }}",
            commands(0, 6),
            commands(6, 11)
        ),
    ] {
        assert_eq!(
            world.refused("user", viewer, &query).await,
            "limit.mutations",
            "{query}"
        );
    }
    assert!(recorder.lines().is_empty());
    let data = world
        .ask(
            "user",
            viewer,
            &format!("mutation {{ __typename {} }}", commands(0, 10)),
        )
        .await;
    assert_eq!((recorder.lines().len(), &data["__typename"]), (10, &json!("Mutation")));
}

#[tokio::test]
async fn two_commands_of_one_name_are_refused_because_the_engine_would_run_both() {
    let (world, recorder) = world().await;
    for query in [
        format!("mutation {{ {START} {START} }}"),
        format!("mutation {{ a: {START} ...F }} fragment F on Mutation {{ a: {START} }}"),
    ] {
        assert_eq!(
            world.refused("user", Uuid::new_v4(), &query).await,
            "graphql.validation-failed"
        );
    }
    assert!(recorder.lines().is_empty());
}

#[tokio::test]
async fn a_mutation_that_does_not_fit_the_schema_gives_no_command() {
    let (world, recorder) = world().await;
    for query in [
        "mutation { startConversation { __typename } }",
        "mutation { startConversation(input: {}) { __typename } }",
        "mutation { startConversation(input: {title: \"a\", colour: 1}) { __typename } }",
        "mutation { createTask(input: {title: \"a\", description: \"d\", type: \"bug-fix\"}) { __typename } }",
        "mutation { startConversation(input: {title: \"a\"}) { id } }",
        "mutation { explode }",
        "mutation A { __typename } mutation B { __typename }",
    ] {
        assert_eq!(
            world.refused("user", Uuid::new_v4(), query).await,
            "graphql.validation-failed",
            "{query}"
        );
    }
    assert!(recorder.lines().is_empty());
}

#[tokio::test]
async fn unknown_members_of_a_variable_give_no_command() {
    let (world, recorder) = world().await;
    let query = "mutation($input: StartConversationInput!) { startConversation(input: $input) { __typename } }";
    let body = json!({ "query": query, "variables": { "input": { "title": "a", "colour": 1 } } });
    let reply = world.post("user", Uuid::new_v4(), &body).await;
    assert!(
        reply.body["errors"][0]["extensions"]["code"].is_string(),
        "{}",
        reply.body
    );
    assert!(recorder.lines().is_empty(), "{:?}", recorder.lines());
}

#[tokio::test]
async fn a_generation_of_time_travel_takes_no_mutation() {
    let (world, recorder) = world().await;
    let request = Request::post("/graphql/generations/as_of_1")
        .header(
            "authorization",
            format!("Bearer {}", world.token("admin", Uuid::new_v4())),
        )
        .header("content-type", "application/json")
        .body(Body::from(
            json!({ "query": format!("mutation {{ {START} }}") }).to_string(),
        ))
        .unwrap();
    let reply = world.send(request).await;
    assert_eq!(reply.body["errors"][0]["extensions"]["code"], "generation.read-only");
    assert!(recorder.lines().is_empty());
}
