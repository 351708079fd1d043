//! `POST /api/commands`: many commands, one a line.

use axum::body::Body;
use command_api::CommandApiOptions;
use event_store::PositionToken;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::TestApi;

fn lines(commands: &[Value]) -> String {
    commands.iter().map(|command| command.to_string() + "\n").collect()
}

fn import(command: &str, id: Uuid, key: &str, body: impl Into<Value>) -> Value {
    json!({"command": command, "id": id, "commandId": key, "at": "2021-02-03T04:05:06.789Z", "provenance": "git:a/b",
        "body": body.into()})
}

/// The life of one finished task, as an import brings it in.
fn history_of_one_task(task: Uuid) -> Vec<Value> {
    let execution = Uuid::new_v4();
    let owner = Uuid::new_v4();
    let key = |step: &str| format!("{task}-{step}");
    vec![
        import(
            "task.create",
            task,
            &key("create"),
            json!({"title": "t", "description": "d", "ownerId": owner}),
        ),
        import(
            "task.classify",
            task,
            &key("classify"),
            json!({"type": "test", "complexity": "epic", "confidence": 1.0,
            "classifier": {"name": "git-history", "version": "1"}}),
        ),
        import(
            "task.start-execution",
            task,
            &key("start"),
            json!({"executionId": execution, "strategy": "imported"}),
        ),
        import(
            "task.complete-execution",
            task,
            &key("complete"),
            json!({"executionId": execution, "filesChanged": 1,
            "linesAdded": 2, "linesRemoved": 3, "tokensUsed": 0, "costMicroUsd": 0, "durationMs": 0,
            "commit": "c0ffee"}),
        ),
    ]
}

#[tokio::test]
async fn an_import_keeps_ids_times_and_order() {
    let api = TestApi::start().await;
    let service = api.client("service");
    let task = Uuid::new_v4();
    let answers = service.bulk(&lines(&history_of_one_task(task))).await;
    let summary: Vec<_> = answers
        .iter()
        .map(|answer| {
            (
                answer["line"].clone(),
                answer["status"].clone(),
                answer["revision"].clone(),
            )
        })
        .collect();
    let expected = [(1, 201, 0), (2, 200, 1), (3, 201, 2), (4, 200, 3)];
    assert_eq!(
        summary,
        expected.map(|(line, status, revision)| (json!(line), json!(status), json!(revision)))
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer["id"] == json!(task) && answer.get("commandId").is_none()),
        "{answers:?}"
    );
    let events = api.events(&format!("task-{task}")).await;
    for event in &events {
        assert_eq!(event.time.to_rfc3339(), "2021-02-03T04:05:06.789+00:00");
        assert_eq!(event.metadata.provenance.as_deref(), Some("git:a/b"));
        assert_eq!(event.metadata.actor.as_uuid(), service.id);
    }
    let token = PositionToken::decode(answers[3]["position"].as_str().unwrap()).unwrap();
    assert!(token.cut.next(events[3].at.partition) > events[3].at.offset);
}

#[tokio::test]
async fn importing_twice_adds_nothing_and_says_so() {
    let api = TestApi::start().await;
    let service = Uuid::new_v4();
    let tasks: Vec<_> = (0..5).map(|_| Uuid::new_v4()).collect();
    let commands: Vec<_> = tasks.iter().flat_map(|task| history_of_one_task(*task)).collect();
    let first = api.client_as("service", service).bulk(&lines(&commands)).await;
    assert!(first.iter().all(|answer| answer.get("repeated").is_none()), "{first:?}");
    for node in [&api, &api.second_node()] {
        let again = node.client_as("service", service).bulk(&lines(&commands)).await;
        for (one, other) in first.iter().zip(&again) {
            assert_eq!(other["repeated"], json!(true), "{other}");
            for member in ["line", "status", "id", "revision"] {
                assert_eq!(one[member], other[member]);
            }
        }
    }
    for task in tasks {
        assert_eq!(api.event_types(&format!("task-{task}")).await.len(), 4);
    }
}

#[tokio::test]
async fn a_broken_line_is_answered_in_its_place_and_stops_nothing() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let good = json!({"command": "conversation.start", "body": {"title": "good"}}).to_string();
    let body = [
        good.as_str(),
        "{\"command\": \"conversation.start\", oops}",
        "",
        "{\"command\": \"conversation.start\", \"colour\": 1}",
        "{\"command\": \"conversation.explode\"}",
        "{\"command\": \"conversation.start\", \"body\": {\"title\": 7}}",
        "{\"command\": \"conversation.start\", \"commandId\": \"two words\", \"body\": {\"title\": \"x\"}}",
        "{\"command\": \"conversation.rename\", \"body\": {\"title\": \"x\"}}",
        "{\"command\": \"conversation.start\", \"body\": {\"title\": \"\"}}",
        "[]",
        "{\"command\": \"conversation.start\", \"at\": \"yesterday\"}",
        &good,
    ]
    .join("\r\n");
    let answers = user.bulk(&body).await;
    let summary: Vec<_> = answers
        .iter()
        .map(|answer| {
            let number = |name: &str| answer[name].as_u64().unwrap();
            (
                number("line"),
                number("status"),
                answer["code"].as_str().unwrap_or_default(),
                answer["field"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [
            (1, 201, "", None),
            (2, 400, "request.malformed-json", None),
            (4, 400, "request.invalid-body", Some("colour")),
            (5, 400, "request.unknown-command", Some("command")),
            (6, 400, "request.invalid-body", Some("title")),
            (7, 400, "idempotency.key-invalid", None),
            (8, 400, "request.invalid-body", Some("id")),
            (9, 422, "conversation.text-blank", Some("title")),
            (10, 400, "request.invalid-body", None),
            (11, 400, "request.invalid-body", Some("at")),
            (12, 201, "", None),
        ]
    );
    assert!(
        answers[0]["commandId"].is_string(),
        "a made command id is returned: {}",
        answers[0]
    );
    assert!(answers[7]["commandId"].is_string(), "{}", answers[7]);
}

#[tokio::test]
async fn commands_of_one_stream_are_applied_in_the_order_of_their_lines() {
    let api = TestApi::start().await;
    let service = api.client("service");
    let (conversation, owner) = (Uuid::new_v4(), Uuid::new_v4());
    let start = import(
        "conversation.start",
        conversation,
        "start",
        json!({"title": "t", "ownerId": owner}),
    );
    let messages = (0..3_000).map(|number| {
        import(
            "conversation.send-message",
            conversation,
            &format!("m{number}"),
            json!({"messageId": Uuid::new_v4(), "role": "user", "authorId": owner,
            "content": format!("number {number}")}),
        )
    });
    let commands: Vec<_> = std::iter::once(start).chain(messages).collect();
    let answers = service.bulk(&lines(&commands)).await;
    assert_eq!(answers.len(), commands.len());
    for (index, answer) in answers.iter().enumerate() {
        assert_eq!(
            (&answer["line"], &answer["revision"]),
            (&json!(index + 1), &json!(index)),
            "{answer}"
        );
    }
    let events = api.events(&format!("conversation-{conversation}")).await;
    for (number, event) in events.iter().skip(1).enumerate() {
        assert!(
            event.data.get().contains(&format!("\"number {number}\"")),
            "{}",
            event.data
        );
    }
}

#[tokio::test]
async fn a_start_that_needs_a_quota_sees_the_lines_before_it_and_is_seen_by_those_after() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let task = user.create_task().await;
    let command = |name: &str, body: Value| json!({"command": name, "id": task, "body": body});
    let answers = user
        .bulk(&lines(&[
            command("task.amend", json!({"priority": 1})),
            command("task.start-execution", json!({"strategy": "iterative"})),
            command("task.amend", json!({"priority": 2})),
            command("task.cancel", json!({})),
            command("task.retry", json!({})),
            command("task.cancel", json!({})),
        ]))
        .await;
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| answer["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [200, 201, 409, 200, 200, 200], "{answers:?}");
    assert_eq!(api.event_types(&format!("quota-{}", user.id)).await.len(), 2);
}

#[tokio::test]
async fn expected_revisions_hold_within_a_bulk_request() {
    let api = TestApi::start().await;
    let user = api.client("user");
    let id = user.start_conversation().await;
    let rename = |title: &str, expected: u64| {
        json!({"command": "conversation.rename", "id": id, "expectedRevision": expected,
            "body": {"title": title}})
    };
    let answers = user
        .bulk(&lines(&[rename("One", 0), rename("Two", 0), rename("Three", 1)]))
        .await;
    assert_eq!(answers[0]["revision"], json!(1));
    assert_eq!(
        (&answers[1]["code"], &answers[1]["currentRevision"]),
        (&json!("precondition.failed"), &json!(1))
    );
    assert_eq!(answers[2]["revision"], json!(2));
}

#[tokio::test]
async fn lines_and_their_number_are_bounded() {
    let options = CommandApiOptions {
        bulk_lines: 3,
        bulk_line_bytes: 200,
        bulk_in_flight: 1,
        ..Default::default()
    };
    let api = TestApi::with_options(options).await;
    let good = json!({"command": "conversation.start", "body": {"title": "good"}}).to_string();
    let long = json!({"command": "conversation.start", "body": {"title": "x".repeat(500)}}).to_string();
    let body = [&good, &long, &good, &good, &good].map(String::as_str).join("\n");
    let answers = api.client("admin").bulk(&body).await;
    let summary: Vec<_> = answers
        .iter()
        .map(|answer| (answer["status"].clone(), answer["code"].clone()))
        .collect();
    assert_eq!(
        summary,
        [
            (json!(201), Value::Null),
            (json!(413), json!("bulk.line-too-long")),
            (json!(201), Value::Null),
            (json!(413), json!("bulk.too-many-lines")),
        ]
    );
}

#[tokio::test]
async fn an_empty_request_has_an_empty_answer() {
    let api = TestApi::start().await;
    assert!(api.client("user").bulk("\n\n").await.is_empty());
}

#[tokio::test]
async fn a_user_is_limited_line_by_line() {
    let api = TestApi::start().await;
    let line = json!({"command": "conversation.start", "body": {"title": "good"}});
    let answers = api.client("user").bulk(&lines(&vec![line; 400])).await;
    let limited = answers
        .iter()
        .filter(|answer| answer["code"] == json!("request.rate-limited"))
        .count();
    assert!(
        (1..=300).contains(&limited),
        "{limited} of 400 were limited with a burst of 100"
    );
    assert_eq!(answers.len(), 400);
}

#[tokio::test]
async fn answers_come_while_the_request_is_still_being_sent() {
    let api = TestApi::start().await;
    let (sender, receiver) = futures::channel::mpsc::unbounded::<Result<String, std::convert::Infallible>>();
    let client = api.client("admin");
    let call = client
        .post("/api/commands")
        .raw("application/x-ndjson", Body::from_stream(receiver));
    let mut answers = call.stream().await;
    for number in 1..=3 {
        let line = json!({"command": "conversation.start", "body": {"title": "good"}}).to_string() + "\n";
        sender.unbounded_send(Ok(line)).unwrap();
        let answer = answers.next_line().await.expect("an answer before the request ends");
        assert_eq!((&answer["line"], &answer["status"]), (&json!(number), &json!(201)));
    }
    drop(sender);
    assert!(answers.next_line().await.is_none());
}
