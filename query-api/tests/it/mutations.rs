//! Commands as mutations: what was taken, in which order, what is read of it, and what happens without an answer.

use std::sync::Arc;
use std::time::Duration;

use domain::{Role, UserId};
use event_store::{Cut, LogEpoch, PositionToken};
use platform::config::Secret;
use query_api::{Caller, QueryApiOptions, Viewer};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command_doubles::{InProcess, Silent};
use crate::world::{Reply, World};

/// Everything but rows.
const RESULT: &str = "
    fragment Result on CommandResult {
        __typename
        ... on CommandTaken { clientMutationId id revision position messageId executionId repeated isFinal }
        ... on CommandRefused { clientMutationId code message field limit retryAt retryAfterSeconds isFinal }
        ... on CommandConflict { clientMutationId currentRevision isFinal }
    }";

pub(crate) async fn world() -> World {
    let mut world = World::start().await;
    world.give_commands_to(Arc::new(InProcess(world.command_api())));
    world
}

/// Gives one command; its result.
pub(crate) async fn give(world: &World, role: &str, viewer: Uuid, mutation: &str, input: Value) -> Value {
    let name = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
    let query = format!("mutation($input: {name}!) {{ result: {mutation}(input: $input) {{ ...Result }} }} {RESULT}");
    let mut reply = world
        .post(
            role,
            viewer,
            &json!({ "query": query, "variables": { "input": input } }),
        )
        .await;
    assert_eq!(reply.body.get("errors"), None, "{mutation}: {}", reply.body);
    assert_eq!(reply.status, 200);
    reply.body["data"]["result"].take()
}

pub(crate) async fn started(world: &World, viewer: Uuid, title: &str) -> Value {
    let result = give(world, "user", viewer, "startConversation", json!({ "title": title })).await;
    assert_eq!(result["__typename"], "CommandTaken", "{result}");
    result
}

#[tokio::test]
async fn a_command_that_was_taken_tells_what_http_tells_and_can_be_read_after_its_position() {
    let world = world().await;
    let ann = Uuid::new_v4();
    let input = json!({ "title": "Hello", "clientMutationId": "one" });
    let taken = give(&world, "user", ann, "startConversation", input).await;
    assert_eq!(
        (&taken["__typename"], &taken["clientMutationId"], &taken["revision"]),
        (&json!("CommandTaken"), &json!("one"), &json!(0))
    );
    assert_eq!(
        (
            &taken["repeated"],
            &taken["isFinal"],
            &taken["messageId"],
            &taken["executionId"]
        ),
        (&json!(false), &json!(false), &Value::Null, &Value::Null)
    );
    let id = taken["id"].as_str().unwrap();
    let sent = give(
        &world,
        "user",
        ann,
        "sendMessage",
        json!({ "id": id, "content": "How are you?" }),
    )
    .await;
    assert_eq!(sent["revision"], 1);
    assert!(
        sent["clientMutationId"].as_str().unwrap().parse::<Uuid>().is_ok(),
        "made here: {sent}"
    );
    let query = format!("{{ conversation(id: \"{id}\") {{ title messages {{ nodes {{ id content }} }} }} }}");
    let asked = json!({ "query": query, "extensions": { "after": sent["position"], "withinMs": 20_000 } });
    let shown = world.post("user", ann, &asked).await;
    let message = json!({ "id": sent["messageId"], "content": "How are you?" });
    assert_eq!(
        shown.body["data"]["conversation"],
        json!({ "title": "Hello", "messages": { "nodes": [message] } }),
        "{}",
        shown.body
    );
}

#[tokio::test]
async fn a_repeated_command_id_is_answered_again_and_with_other_content_refused() {
    let world = world().await;
    let ann = Uuid::new_v4();
    let input = |title: &str| json!({ "title": title, "clientMutationId": "once" });
    let first = give(&world, "user", ann, "startConversation", input("a")).await;
    let again = give(&world, "user", ann, "startConversation", input("a")).await;
    assert_eq!((&first["repeated"], &again["repeated"]), (&json!(false), &json!(true)));
    assert_eq!((&first["id"], &first["revision"]), (&again["id"], &again["revision"]));
    let other = give(&world, "user", ann, "startConversation", input("b")).await;
    assert_eq!(
        (&other["__typename"], &other["code"]),
        (&json!("CommandRefused"), &json!("idempotency.key-reused"))
    );
}

#[tokio::test]
async fn commands_of_one_mutation_run_in_order_and_a_refused_one_stops_none() {
    let world = world().await;
    let ann = Uuid::new_v4();
    let id = started(&world, ann, "Hello").await["id"].clone();
    let read = "__typename ... on CommandTaken { revision conversation { title revision status } } ... on CommandRefused { code }";
    let query = format!(
        "mutation {{
            one: renameConversation(input: {{id: {id}, title: \"One\"}}) {{ {read} }}
            blank: renameConversation(input: {{id: {id}, title: \"\"}}) {{ {read} }}
            two: renameConversation(input: {{id: {id}, title: \"Two\", expectedRevision: 1}}) {{ {read} }}
            away: archiveConversation(input: {{id: {id}}}) {{ {read} }}
            late: sendMessage(input: {{id: {id}, content: \"?\"}}) {{ {read} }}
        }}"
    );
    let asked = json!({ "query": query, "extensions": { "withinMs": 20_000 } });
    let reply = world.post("user", ann, &asked).await;
    let taken = |revision: u64, title: &str, status: &str| {
        let conversation = json!({ "title": title, "revision": revision, "status": status });
        json!({ "__typename": "CommandTaken", "revision": revision, "conversation": conversation })
    };
    let refused = |code: &str| json!({ "__typename": "CommandRefused", "code": code });
    assert_eq!(
        reply.body["data"],
        json!({
            "one": taken(1, "One", "ACTIVE"),
            "blank": refused("conversation.text-blank"),
            "two": taken(2, "Two", "ACTIVE"),
            "away": taken(3, "Two", "ARCHIVED"),
            "late": refused("conversation.archived"),
        }),
        "{}",
        reply.body
    );
}

#[tokio::test]
async fn the_answer_of_a_mutation_has_a_position_that_covers_all_its_commands() {
    let world = world().await;
    let ann = Uuid::new_v4();
    let query = "mutation {
        one: startConversation(input: {title: \"1\"}) { ... on CommandTaken { position conversation { id } } }
        two: createTask(input: {title: \"2\", description: \"d\"}) { ... on CommandTaken { position conversation { id } } }
    }";
    let asked = json!({ "query": query, "extensions": { "withinMs": 20_000 } });
    let reply = world.post("user", ann, &asked).await;
    let token = |value: &Value| PositionToken::decode(value.as_str().unwrap()).unwrap();
    let whole = token(&reply.body["extensions"]["position"]);
    for name in ["one", "two"] {
        let own = token(&reply.body["data"][name]["position"]);
        assert!(whole.cut.covers(&own.cut), "{name}: {}", reply.body);
    }
    assert!(
        reply.body["data"]["one"]["conversation"]["id"].is_string(),
        "{}",
        reply.body
    );
    assert!(
        reply.body["data"]["two"]["conversation"].is_null(),
        "a task is none: {}",
        reply.body
    );
}

fn error<'r>(reply: &'r Reply, path: &Value) -> &'r Value {
    let errors = reply.body["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no errors in {}", reply.body));
    let found = errors.iter().find(|error| error["path"] == *path);
    found.unwrap_or_else(|| panic!("no error at {path} in {}", reply.body))
}

#[tokio::test]
async fn a_command_needs_no_read_model_and_what_cannot_be_read_yet_is_null_beside_it() {
    let mut world = World::start_without_projector(QueryApiOptions::default()).await;
    world.give_commands_to(Arc::new(InProcess(world.command_api())));
    let query = "mutation { start: startConversation(input: {title: \"a\"}) { ... on CommandTaken { id revision conversation { title } } } }";
    let asked = json!({ "query": query, "extensions": { "withinMs": 20 } });
    let reply = world.post("user", Uuid::new_v4(), &asked).await;
    assert_eq!(reply.status, 200);
    let start = &reply.body["data"]["start"];
    assert_eq!(
        (&start["revision"], &start["conversation"]),
        (&json!(0), &Value::Null),
        "{}",
        reply.body
    );
    let missing = error(&reply, &json!(["start", "conversation"]));
    assert_eq!(missing["extensions"]["code"], "service.not-ready");
    assert!(reply.body["extensions"]["position"].is_string(), "{}", reply.body);
}

#[tokio::test]
async fn an_operation_that_is_given_up_leaves_the_outcome_unknown() {
    let options = QueryApiOptions {
        operation_timeout_ms: 2_000,
        ..QueryApiOptions::default()
    };
    let mut world = World::start_with(options).await;
    world.give_commands_to(Arc::new(InProcess(world.command_api())));
    world.level().await;
    // Somebody holds the table, so that reading it waits.
    let mut holder = world.pool.begin().await.unwrap();
    let schema: String = sqlx::query_scalar("select schema_name from control.generation")
        .fetch_one(&mut *holder)
        .await
        .unwrap();
    let lock = format!("lock table {schema}.conversation in access exclusive mode");
    sqlx::query(sqlx::AssertSqlSafe(lock))
        .execute(&mut *holder)
        .await
        .unwrap();
    let query =
        "mutation { startConversation(input: {title: \"a\"}) { ... on CommandTaken { conversation { title } } } }";
    let asked = json!({ "query": query, "extensions": { "withinMs": 1, "onTimeout": "STALE" } });
    let reply = world.post("user", Uuid::new_v4(), &asked).await;
    holder.rollback().await.unwrap();
    let extensions = &reply.body["errors"][0]["extensions"];
    assert_eq!(
        (reply.status.as_u16(), &extensions["code"], &extensions["outcome"]),
        (503, &json!("service.timeout"), &json!("unknown")),
        "{}",
        reply.body
    );
    assert!(reply.body.get("data").is_none(), "{}", reply.body);
}

#[tokio::test]
async fn a_position_of_another_log_is_told_where_the_rows_would_be() {
    let world = world().await;
    let foreign = PositionToken {
        epoch: LogEpoch(Uuid::new_v4()),
        cut: Cut::start(),
        stream: None,
    };
    let query = "mutation { start: startConversation(input: {title: \"a\"}) { ... on CommandTaken { revision conversation { title } } } }";
    let asked = json!({ "query": query, "extensions": { "after": foreign.encode(), "withinMs": 20_000 } });
    let reply = world.post("user", Uuid::new_v4(), &asked).await;
    let start = json!({ "revision": 0, "conversation": null });
    assert_eq!(reply.body["data"]["start"], start, "{}", reply.body);
    let error = error(&reply, &json!(["start", "conversation"]));
    assert_eq!(error["extensions"]["code"], "freshness.token-of-another-log");
}

#[tokio::test]
async fn without_a_way_to_the_write_side_the_answer_names_the_setting() {
    let world = World::start_without_projector(QueryApiOptions::default()).await;
    let query =
        "mutation { start: startConversation(input: {title: \"a\", clientMutationId: \"mine\"}) { __typename } }";
    let reply = world.post("user", Uuid::new_v4(), &json!({ "query": query })).await;
    let error = error(&reply, &json!(["start"]));
    assert!(
        error["message"].as_str().unwrap().contains("query_api.commands_url"),
        "{error}"
    );
    let extensions = &error["extensions"];
    assert_eq!(
        (
            &extensions["code"],
            &extensions["outcome"],
            &extensions["clientMutationId"]
        ),
        (&json!("commands.not-configured"), &json!("not-applied"), &json!("mine"))
    );
    assert_eq!(
        (reply.status.as_u16(), &reply.body["data"]),
        (200, &json!({ "start": null }))
    );
}

#[tokio::test]
async fn a_write_side_that_is_silent_leaves_the_outcome_unknown_and_what_comes_after_unbegun() {
    let options = QueryApiOptions {
        operation_timeout_ms: 100,
        ..QueryApiOptions::default()
    };
    let mut world = World::start_without_projector(options).await;
    world.give_commands_to(Arc::new(Silent));
    let start = "startConversation(input: {title: \"a\"}) { __typename }";
    let query = format!("mutation {{ one: {start} two: {start} }}");
    let body = json!({ "query": query });
    let asked = world.post("user", Uuid::new_v4(), &body);
    let reply = tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap();
    for (name, outcome) in [("one", "unknown"), ("two", "not-applied")] {
        let extensions = &error(&reply, &json!([name]))["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["outcome"]),
            (&json!("commands.unavailable"), &json!(outcome)),
            "{name}"
        );
        assert!(extensions["clientMutationId"].is_string(), "{name}: to repeat it with");
    }
    assert_eq!(reply.body["data"], json!({ "one": null, "two": null }));
}

#[test]
fn printing_a_caller_does_not_show_the_token() {
    let caller = Caller {
        viewer: Viewer {
            id: UserId::new(Uuid::nil()),
            role: Role::User,
        },
        token: Secret::new("correct-horse-battery".to_owned()),
        correlation_id: "c".to_owned(),
        traceparent: None,
    };
    assert!(!format!("{caller:?} {caller:#?}").contains("horse"));
}
