//! What clients were promised stays: the schema of today against `schema.baseline.graphql`, by two tools, because each has missed changes
//! that the other finds.

use std::path::{Path, PathBuf};

use serde_json::Value;
use system_tests::node;
use tempfile::TempDir;

const TOOLS: [&str; 2] = ["graphql", "inspector"];

/// A committed document.
fn generated(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/generated")
        .join(name)
}

async fn difference(baseline: &Path, current: &Path) -> Value {
    node::run(
        "schema_diff.mjs",
        &[baseline.to_str().unwrap(), current.to_str().unwrap()],
    )
    .await
}

/// What breaks, by one of the tools.
fn breaking(difference: &Value, tool: &str) -> Vec<String> {
    let changes = difference[tool]["breaking"].as_array().unwrap();
    let told = changes.iter().map(|change| {
        let text = |member: &str| change[member].as_str().unwrap();
        format!("{}: {}", text("type"), text("message"))
    });
    told.collect()
}

#[tokio::test]
async fn the_schema_keeps_what_clients_were_promised() {
    let difference = difference(&generated("schema.baseline.graphql"), &generated("schema.graphql")).await;
    let changes: Vec<String> = TOOLS.iter().flat_map(|tool| breaking(&difference, tool)).collect();
    assert!(
        changes.is_empty(),
        "the schema breaks clients:\n  {}\nWhere that is meant: copy docs/generated/schema.graphql over docs/generated/schema.baseline.graphql, \
         and tell it in CHANGELOG.md",
        changes.join("\n  ")
    );
}

#[tokio::test]
async fn a_removed_field_and_an_argument_made_required_are_found_by_both_tools() {
    let directory = TempDir::new().unwrap();
    let schema = std::fs::read_to_string(generated("schema.graphql")).unwrap();
    // Planted on the whole schema, beside something that harms nobody.
    let planted = |name: &str, fields: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, format!("{schema}\nextend type Query {{ {fields} }}\n")).unwrap();
        path
    };
    let baseline = planted("baseline.graphql", "plantedRemoved: Int planted(argument: Int): Int");
    let current = planted("current.graphql", "plantedNew: Int planted(argument: Int!): Int");
    let difference = difference(&baseline, &current).await;
    for tool in TOOLS {
        let changes = breaking(&difference, tool);
        assert_eq!(changes.len(), 2, "{tool}: {changes:#?}");
        for word in ["plantedRemoved", "argument"] {
            let found = changes.iter().any(|change| change.contains(word));
            assert!(found, "{tool} does not find {word}: {changes:#?}");
        }
    }
}
