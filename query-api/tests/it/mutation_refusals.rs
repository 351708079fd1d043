//! Commands as mutations: refusals and conflicts are data.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::mutations::{give, started, world};
use crate::world::World;

/// Gives a command that must be refused with a code, a field (empty for none) and a limit.
async fn refused(world: &World, viewer: (&str, Uuid), mutation: &str, input: Value, expected: (&str, &str, Value)) {
    let (code, field, limit) = expected;
    let refused = give(world, viewer.0, viewer.1, mutation, input).await;
    assert_eq!(refused["__typename"], "CommandRefused", "{mutation}: {refused}");
    assert_eq!(refused["code"], code, "{mutation}: {refused}");
    assert_eq!(
        refused["field"].as_str().unwrap_or_default(),
        field,
        "{mutation}: {refused}"
    );
    assert_eq!(refused["limit"], limit, "{mutation}: {refused}");
    assert!(
        !refused["message"].as_str().unwrap().is_empty(),
        "{mutation}: {refused}"
    );
}

#[tokio::test]
async fn content_that_breaks_a_rule_is_refused_with_its_field_and_limit() {
    let world = world().await;
    let ann = Uuid::new_v4();
    let id = started(&world, ann, "Hello").await["id"].clone();
    let long = "x".repeat(201);
    let task = |further: Value| {
        let mut input = json!({ "title": "t", "description": "d" });
        input
            .as_object_mut()
            .unwrap()
            .extend(further.as_object().unwrap().clone());
        input
    };
    for (mutation, input, expected) in [
        (
            "startConversation",
            json!({ "title": " " }),
            ("conversation.text-blank", "title", json!(null)),
        ),
        (
            "renameConversation",
            json!({ "id": id, "title": long }),
            ("conversation.text-too-long", "title", json!(200)),
        ),
        (
            "cancelTask",
            json!({ "id": "not a UUID" }),
            ("request.invalid-body", "id", json!(null)),
        ),
        (
            "createTask",
            task(json!({ "priority": -1 })),
            ("request.invalid-body", "priority", json!(null)),
        ),
        (
            "createTask",
            task(json!({ "priority": 10 })),
            ("task.priority-out-of-range", "priority", json!(9)),
        ),
        (
            "createTask",
            task(json!({ "clientMutationId": "two words" })),
            ("idempotency.key-invalid", "", json!(null)),
        ),
    ] {
        refused(&world, ("user", ann), mutation, input, expected).await;
    }
}

#[tokio::test]
async fn who_may_not_and_what_state_forbids_is_refused_with_a_code() {
    let world = world().await;
    let (ann, stranger) = (Uuid::new_v4(), Uuid::new_v4());
    let id = started(&world, ann, "Hello").await["id"].clone();
    let this = json!({ "id": id });
    let failure = json!({ "id": id, "code": "c", "message": "m" });
    let imported = json!({ "title": "t", "provenance": "git:a/b" });
    for (viewer, mutation, input, code, field) in [
        (
            ("user", stranger),
            "archiveConversation",
            &this,
            "conversation.not-found",
            "",
        ),
        (
            ("user", ann),
            "reopenConversation",
            &this,
            "conversation.not-archived",
            "",
        ),
        (
            ("user", ann),
            "startConversation",
            &imported,
            "auth.service-only-field",
            "provenance",
        ),
        (
            ("user", ann),
            "failClassification",
            &failure,
            "auth.role-not-allowed",
            "",
        ),
        (
            ("analyst", ann),
            "archiveConversation",
            &this,
            "auth.role-not-allowed",
            "",
        ),
    ] {
        refused(&world, viewer, mutation, input.clone(), (code, field, Value::Null)).await;
    }
    give(&world, "user", ann, "deleteConversation", this.clone()).await;
    let deleted = ("conversation.deleted", "", Value::Null);
    refused(&world, ("user", ann), "reopenConversation", this, deleted).await;
}

#[tokio::test]
async fn a_limit_that_opens_again_says_when() {
    let world = world().await;
    let ann = Uuid::new_v4();
    for number in 0..=10 {
        let body = json!({ "title": "t", "description": "d", "type": "TEST", "complexity": "SIMPLE" });
        let task = give(&world, "user", ann, "createTask", body).await["id"].clone();
        let start = json!({ "id": task, "strategy": "ITERATIVE" });
        let started = give(&world, "user", ann, "startExecution", start).await;
        if number < 10 {
            assert!(started["executionId"].is_string(), "{started}");
            continue;
        }
        assert_eq!(started["__typename"], "CommandRefused", "{started}");
        assert!(started["retryAt"].is_string(), "{started}");
        assert!(started["retryAfterSeconds"].as_u64().unwrap() > 0, "{started}");
    }
}

#[tokio::test]
async fn another_revision_than_the_expected_one_is_a_conflict_with_the_present_one() {
    let world = world().await;
    let ann = Uuid::new_v4();
    let id = started(&world, ann, "Hello").await["id"].clone();
    let rename = |title: &str, expected: u64| json!({ "id": id, "title": title, "expectedRevision": expected, "clientMutationId": title });
    let taken = give(&world, "user", ann, "renameConversation", rename("One", 0)).await;
    assert_eq!(taken["revision"], 1);
    let conflict = give(&world, "user", ann, "renameConversation", rename("Two", 0)).await;
    assert_eq!(
        conflict,
        json!({ "__typename": "CommandConflict", "clientMutationId": "Two", "currentRevision": 1, "isFinal": false })
    );
}
