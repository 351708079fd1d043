//! `coding-agent history verify`: the checker that users have.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use tokio::process::Command;

/// It reads the whole topic and the whole journal.
const PATIENCE: Duration = Duration::from_mins(5);
/// What the arguments' parser ends with when it does not know a command.
const UNKNOWN_COMMAND: i32 = 2;
/// Quoted of its complaints.
const QUOTED: usize = 2_000;

/// What it said.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum ProductCheck {
    /// It found nothing wrong.
    Passed {
        /// Its report.
        report: Value,
    },
    /// It did.
    Failed {
        /// Its report, or its complaint.
        report: Value,
    },
    /// This binary has no such command.
    Missing,
}

/// Runs it.
pub(super) async fn run(program: &Path, clients: &Path, environment: &[(String, String)]) -> Result<ProductCheck> {
    let running = Command::new(program)
        .args(["history", "verify", "--output", "json", "--clients"])
        .arg(clients)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, running)
        .await
        .context("history verify does not end")?
        .context("history verify cannot be started")?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(UNKNOWN_COMMAND) && complaint.contains("unrecognized subcommand") {
        return Ok(ProductCheck::Missing);
    }
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| Value::String(complaint.chars().take(QUOTED).collect()));
    Ok(if output.status.success() {
        ProductCheck::Passed { report }
    } else {
        ProductCheck::Failed { report }
    })
}
