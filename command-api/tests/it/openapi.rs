//! The committed OpenAPI document is the one that the code gives, and every route in it exists and asks for a token.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use command_api::{CommandName, openapi};
use domain::Role;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::TestApi;

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

#[test]
fn the_committed_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/generated/openapi.json");
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == openapi(),
        "docs/generated/openapi.json is stale: run `cargo run -p coding-agent -- openapi > docs/generated/openapi.json`"
    );
}

#[test]
fn the_document_is_openapi_3_1_and_every_reference_in_it_resolves() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(references.contains("#/components/schemas/Reply"), "{references:?}");
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .expect("only references within the document");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn operation_ids_are_unique() {
    let document = document();
    let operations = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<_> = operations
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let unique: BTreeSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len(), "{ids:?}");
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_route_of_the_document_exists_and_is_closed_without_a_token() {
    let api = TestApi::start().await;
    let stranger = api.client_with(None);
    let document = document();
    let mut routes = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let id = Uuid::new_v4().to_string();
        let concrete = path.replace("{id}", &id).replace("{executionId}", &id);
        for method in operations
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
        {
            let method = method.to_uppercase().parse().unwrap();
            stranger
                .request(method, &concrete)
                .send()
                .await
                .must_be(401, "auth.missing-token");
            routes += 1;
        }
    }
    assert_eq!(routes, 18, "a new route is added to the document, and here");
}

#[test]
fn names_of_commands_are_stable_and_name_their_aggregate() {
    let names: Vec<_> = CommandName::ALL.iter().map(|name| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "conversation.start",
            "conversation.rename",
            "conversation.send-message",
            "conversation.archive",
            "conversation.reopen",
            "conversation.delete",
            "task.create",
            "task.amend",
            "task.request-classification",
            "task.classify",
            "task.fail-classification",
            "task.start-execution",
            "task.report-progress",
            "task.complete-execution",
            "task.fail-execution",
            "task.link-pull-request",
            "task.cancel",
            "task.retry",
            "task.delete",
        ]
    );
    for name in CommandName::ALL {
        assert_eq!(CommandName::parse(name.as_str()), Some(name));
        assert!(!name.roles().contains(&Role::Analyst), "an analyst commands nothing");
    }
}
