//! `coding-agent import git` as an operator runs it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use super::instance::program;
use super::{Installation, Instance};

const IMPORT_WITHIN: Duration = Duration::from_mins(10);

/// An import into one instance.
pub(crate) struct Import<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) instance: &'a Instance,
    pub(crate) history: &'a Path,
}

/// What it says at its end; only what is needed here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImportReport {
    pub(crate) commands: u64,
    applied: u64,
    rejected: u64,
    retries: u64,
    /// From the start to the last answer, reading the history included.
    pub(crate) seconds: f64,
}

impl Import<'_> {
    pub(crate) async fn run(&self) -> Result<ImportReport> {
        let child = Command::new(program()?)
            .args(["import", "git", "--output", "json", "--url"])
            .arg(self.instance.url())
            .arg(self.history)
            .env("CODING_AGENT_TOKEN", self.installation.token("service")?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the importer cannot be started")?;
        let output = timeout(IMPORT_WITHIN, child.wait_with_output())
            .await
            .context("the import does not end")??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "the import ended with {}: {errors}",
            output.status
        );
        let report: ImportReport = serde_json::from_slice(&output.stdout).context("the importer's report")?;
        // A repeated or refused command costs less than one that is done.
        ensure!(
            report.applied == report.commands && report.rejected == 0 && report.retries == 0,
            "not a plain import: {report:?}; {errors}"
        );
        Ok(report)
    }
}
