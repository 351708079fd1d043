//! The scripts under `tests/node/`, which look at the service with the official packages of GraphQL.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;
use tokio::task::spawn_blocking;
use xtask::services::node::{Node, PACKAGES};

use crate::deadline::settled;

/// The longest of them asks an instance some sixty questions.
const PATIENCE: Duration = Duration::from_mins(2);

/// Runs a script to its end and gives what it printed, which is one value of JSON.
pub async fn run(script: &str, arguments: &[&str]) -> Value {
    let kit = spawn_blocking(Node::fetch).await.unwrap().unwrap();
    let child = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("node").join(script))
        .args(arguments)
        .env("NODE_PATH", kit.packages())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start node ({error}): install {PACKAGES}"));
    let output = settled("the end of a script", PATIENCE, child.wait_with_output())
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{script} printed no JSON: {error}"))
}
