//! Filters of the lists.

use domain::Role;
use domain::conversation::ConversationEvent;
use domain::task::{Complexity, ExecutionResult, PullRequest, TaskEvent, TaskType};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{World, conversation_stream, minute};

fn titles(connection: &Value) -> Vec<&str> {
    connection["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["title"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_filter_of_tasks_holds_and_all_must_hold() {
    let world = World::start().await;
    let (ann, ben) = (Uuid::new_v4(), Uuid::new_v4());
    let fix = world.task(ann, "Mend 50% of it", 0, None).await;
    world
        .finish(
            fix,
            (TaskType::BugFix, Complexity::Simple),
            1,
            ExecutionResult::default(),
        )
        .await;
    let feature = world.task(ann, "Größe ändern", 10, None).await;
    world
        .finish(
            feature,
            (TaskType::Feature, Complexity::Epic),
            11,
            ExecutionResult::default(),
        )
        .await;
    world.task(ben, "Later_work", 20, None).await;
    world.level().await;
    for (filter, expected) in [
        ("type: BUG_FIX", vec!["Mend 50% of it"]),
        ("complexity: EPIC", vec!["Größe ändern"]),
        ("status: PENDING", vec!["Later_work"]),
        ("status: COMPLETED", vec!["Größe ändern", "Mend 50% of it"]),
        ("status: COMPLETED, type: FEATURE", vec!["Größe ändern"]),
        ("status: PENDING, type: FEATURE", vec![]),
        ("text: \"50%\"", vec!["Mend 50% of it"]),
        ("text: \"r_w\"", vec!["Later_work"]),
        ("text: \"r%w\"", vec![]),
        ("text: \"größe\"", vec!["Größe ändern"]),
        ("text: \"ABOUT later\"", vec!["Later_work"]),
        (
            "createdAfter: \"2024-05-01T00:10:00Z\"",
            vec!["Later_work", "Größe ändern"],
        ),
        ("createdBefore: \"2024-05-01T00:10:00Z\"", vec!["Mend 50% of it"]),
        (
            "createdAfter: \"2024-05-01T02:10:00+02:00\", createdBefore: \"2024-05-01T00:20:00Z\"",
            vec!["Größe ändern"],
        ),
    ] {
        let query = format!("{{ tasks(filter: {{{filter}}}) {{ totalCount nodes {{ title }} }} }}");
        let data = world.ask("analyst", ann, &query).await;
        assert_eq!(titles(&data["tasks"]), expected, "{filter}");
        assert_eq!(data["tasks"]["totalCount"], expected.len(), "{filter}");
    }
    let of_ben = format!("{{ tasks(filter: {{ownerId: \"{ben}\"}}) {{ nodes {{ title }} }} }}");
    assert_eq!(titles(&world.ask("admin", ann, &of_ben).await["tasks"]), ["Later_work"]);
    assert_eq!(
        world
            .refused("admin", ann, "{ tasks(filter: {text: \" \"}) { totalCount } }")
            .await,
        "argument.invalid"
    );
    let long = "x".repeat(201);
    let query = format!("{{ tasks(filter: {{text: \"{long}\"}}) {{ totalCount }} }}");
    assert_eq!(world.refused("admin", ann, &query).await, "argument.invalid");
}

#[tokio::test]
async fn conversations_are_filtered_and_sorted() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    world.conversation(ann, "First", 0, &["a", "b", "c"]).await;
    let second = world.conversation(ann, "second", 1, &[]).await;
    world.conversation(ann, "Third 日本", 4, &["only"]).await;
    let archived = vec![(ConversationEvent::Archived.into(), minute(30))];
    world
        .append(&conversation_stream(second), ann, Role::User, archived)
        .await;
    world.level().await;
    for (arguments, expected) in [
        ("first: 9", vec!["second", "Third 日本", "First"]),
        (
            "orderBy: {field: MESSAGE_COUNT, direction: ASC}",
            vec!["second", "Third 日本", "First"],
        ),
        ("orderBy: {field: CREATED_AT}", vec!["Third 日本", "second", "First"]),
        ("filter: {status: ARCHIVED}", vec!["second"]),
        ("filter: {status: ACTIVE, text: \"日本\"}", vec!["Third 日本"]),
        ("filter: {createdBefore: \"2024-05-01T00:01:00Z\"}", vec!["First"]),
    ] {
        let data = world
            .ask(
                "user",
                ann,
                &format!("{{ conversations({arguments}) {{ nodes {{ title }} }} }}"),
            )
            .await;
        assert_eq!(titles(&data["conversations"]), expected, "{arguments}");
    }
}

#[tokio::test]
async fn a_task_shows_all_that_is_known_of_it() {
    let world = World::start().await;
    let ann = Uuid::new_v4();
    let talk = world.conversation(ann, "Talk", 0, &[]).await;
    let task = world.task(ann, "Work", 1, Some(talk)).await;
    let result = ExecutionResult {
        files_changed: 3,
        lines_added: 5_000_000_000,
        lines_removed: 2,
        tokens_used: 7,
        cost_micro_usd: 11,
        duration_ms: 13,
        commit: Some("abc".to_owned()),
    };
    let execution = world
        .finish(task, (TaskType::Refactor, Complexity::Medium), 2, result)
        .await;
    let url = "https://example.org/acme/tool/pull/9".to_owned();
    let pull_request = PullRequest {
        repository: "acme/tool".to_owned(),
        number: 9,
        url,
    };
    let linked = vec![TaskEvent::PullRequestLinked(pull_request)];
    world.task_events(task, Uuid::nil(), Role::Service, 3, linked).await;
    world.level().await;
    let query = format!(
        r#"{{ task(id: "{task}") {{ id title description type complexity status priority ownerId createdAt updatedAt revision attempts
            runningExecutionId cancelReason error {{ code }} startedAt finishedAt
            conversation {{ id title }} pullRequest {{ repository number url }}
            classification {{ type complexity confidence classifier classifierVersion at }}
            results {{ filesChanged linesAdded linesRemoved tokensUsed costMicroUsd durationMs commit }}
            executions {{ id taskId attempt strategy model status linesAdded commit log {{ message }} logLineCount }} }} }}"#
    );
    let data = world.ask("user", ann, &query).await;
    let two = "2024-05-01T00:02:00+00:00";
    assert_eq!(
        data["task"],
        json!({
            "id": task, "title": "Work", "description": "about Work", "type": "REFACTOR", "complexity": "MEDIUM",
            "status": "COMPLETED", "priority": 3, "ownerId": ann, "createdAt": "2024-05-01T00:01:00+00:00",
            "updatedAt": "2024-05-01T00:03:00+00:00", "revision": 4, "attempts": 1, "runningExecutionId": null,
            "cancelReason": null, "error": null, "startedAt": two, "finishedAt": two,
            "conversation": { "id": talk, "title": "Talk" },
            "pullRequest": { "repository": "acme/tool", "number": 9, "url": "https://example.org/acme/tool/pull/9" },
            "classification": { "type": "REFACTOR", "complexity": "MEDIUM", "confidence": 0.875, "classifier": "heuristic",
                "classifierVersion": "1", "at": two },
            "results": { "filesChanged": 3, "linesAdded": 5_000_000_000_i64, "linesRemoved": 2, "tokensUsed": 7,
                "costMicroUsd": 11, "durationMs": 13, "commit": "abc" },
            "executions": [{ "id": execution, "taskId": task, "attempt": 1, "strategy": "SINGLE_SHOT", "model": "m-1",
                "status": "COMPLETED", "linesAdded": 5_000_000_000_i64, "commit": "abc", "log": [], "logLineCount": 0 }],
        })
    );
}
