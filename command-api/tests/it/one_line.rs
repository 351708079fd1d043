//! One line without an HTTP request takes the path of the bulk route.

use std::num::NonZeroU32;
use std::time::Duration;

use command_api::{Caller, CommandApiOptions};
use domain::{Actor, Role, UserId};
use futures::FutureExt;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Client, TestApi};

fn caller(id: Uuid, role: Role) -> Caller {
    Caller {
        actor: Actor {
            id: UserId::new(id),
            role,
        },
        correlation_id: "one-line".to_owned(),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
    }
}

async fn take(api: &TestApi, caller: &Caller, line: &str) -> Value {
    let answer = api.api.take_line(caller, line.as_bytes()).await;
    let answer = std::str::from_utf8(&answer).unwrap();
    assert_eq!(answer.lines().count(), 1, "one line: {answer}");
    serde_json::from_str(answer).unwrap()
}

#[tokio::test]
async fn a_line_on_its_own_is_answered_as_on_the_bulk_route() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let caller = caller(user.id, Role::User);
    let id = user.start_conversation().await;
    for line in [
        json!({"command": "conversation.start", "commandId": "s", "body": {"title": "good"}}),
        json!({"command": "conversation.start", "commandId": "blank", "body": {"title": " "}}),
        json!({"command": "conversation.start", "commandId": "s", "body": {"title": "other"}}),
        json!({"command": "conversation.rename", "commandId": "r", "id": id, "expectedRevision": 7, "body": {"title": "x"}}),
        json!({"command": "conversation.rename", "commandId": "r2", "id": id, "colour": 1}),
        json!({"command": "task.classify", "commandId": "c", "id": id}),
        json!({"command": "task.cancel", "commandId": "u", "id": Uuid::new_v4()}),
        json!({"command": "task.explode"}),
    ] {
        let line = line.to_string();
        let alone = take(&api, &caller, &line).await;
        let repeated = take(&api, &caller, &line).await;
        let on_route = user.bulk(&line).await.pop().unwrap();
        // What was taken is a repetition from the second time on, whichever way it comes.
        assert_eq!(repeated, on_route, "{line}");
        assert_eq!(alone["status"], on_route["status"], "{line}");
        assert_eq!(alone["code"], on_route["code"], "{line}");
    }
    let broken = take(&api, &caller, "{").await;
    assert_eq!(broken["code"], "request.malformed-json");
}

#[tokio::test]
async fn the_event_of_a_line_tells_who_sent_it_in_which_request() {
    let api = TestApi::start().await;
    let caller = caller(Uuid::new_v4(), Role::User);
    let line = json!({"command": "conversation.start", "body": {"title": "good"}}).to_string();
    let answer = take(&api, &caller, &line).await;
    assert_eq!((&answer["status"], &answer["revision"]), (&json!(201), &json!(0)));
    assert!(
        answer["commandId"].is_string(),
        "a made command id is returned: {answer}"
    );
    let events = api
        .events(&format!("conversation-{}", answer["id"].as_str().unwrap()))
        .await;
    let metadata = &events[0].metadata;
    assert_eq!((metadata.actor, metadata.role), (caller.actor.id, Role::User));
    assert_eq!(metadata.correlation_id, caller.correlation_id);
    assert_eq!(metadata.traceparent, caller.traceparent);
}

#[tokio::test]
async fn a_line_is_bounded_in_bytes_and_by_the_rate_of_its_caller() {
    let options = CommandApiOptions {
        bulk_line_bytes: 200,
        rate_per_second: NonZeroU32::MIN,
        rate_burst: NonZeroU32::MIN,
        ..Default::default()
    };
    let api = TestApi::with_options(options).await;
    let caller = caller(Uuid::new_v4(), Role::User);
    let line = |title: &str| json!({"command": "conversation.start", "body": {"title": title}}).to_string();
    let long = take(&api, &caller, &line(&"x".repeat(500))).await;
    assert_eq!(
        (&long["status"], &long["code"]),
        (&json!(413), &json!("bulk.line-too-long"))
    );
    for _ in 0..100 {
        if take(&api, &caller, &line("good")).await["code"] == "request.rate-limited" {
            return;
        }
    }
    panic!("a hundred commands were taken where one a second is allowed");
}

#[tokio::test]
async fn a_command_goes_on_when_nobody_waits_for_its_answer() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let task = user.create_task().await;
    let line = json!({"command": "task.start-execution", "id": task, "body": {"strategy": "iterative"}}).to_string();
    // Takes two steps (a place in the quota, then the start); asked once, then dropped.
    let answered = api
        .api
        .take_line(&caller(user.id, Role::User), line.as_bytes())
        .now_or_never();
    assert!(answered.is_none(), "the log takes longer than that");
    tokio::time::timeout(Duration::from_secs(30), started(&api, &user, task))
        .await
        .expect("the execution starts");
}

async fn started(api: &TestApi, user: &Client, task: Uuid) {
    while api.event_types(&format!("task-{task}")).await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(api.event_types(&format!("quota-{}", user.id)).await.len(), 1);
}
