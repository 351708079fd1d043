//! GraphQL over HTTP, by the audit of the people who write the specification.

use std::time::Duration;

use serde_json::Value;
use system_tests::{LogKind, System, node};
use uuid::Uuid;

/// In the version of `graphql-http` that `tests/node/` fixes. A suite that shrinks must not look like a success.
const AUDITS: usize = 61;

#[tokio::test(flavor = "multi_thread")]
async fn the_official_audit_finds_nothing() {
    let system = System::on(LogKind::Postgresql).start().await;
    system.wait_level().await;
    let url = format!("{}/graphql", system.url(0));
    let token = system.token("analyst", Uuid::new_v4(), Duration::from_mins(10));
    let audits = node::run("audit.mjs", &[&url, &token]).await;
    let audits = audits.as_array().unwrap();
    let failed: Vec<String> = audits
        .iter()
        .filter(|audit| audit["status"] != "ok")
        .map(told)
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
    assert_eq!(audits.len(), AUDITS);
}

fn told(audit: &Value) -> String {
    let text = |member: &str| audit[member].as_str().unwrap_or_default();
    format!(
        "{} {} ({}): {}",
        text("id"),
        text("name"),
        text("status"),
        text("reason")
    )
}
