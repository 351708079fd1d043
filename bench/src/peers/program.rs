//! A peer's program: what it is told, and what it says.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;
use tokio::time::timeout;

use super::Round;
use crate::append::EVENT_BYTES;
use crate::measurement::as_float;
use crate::servers::Place;

const WARM_UP_SECONDS: &str = "1";
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of what.
pub(super) struct Plan {
    pub(super) streams: usize,
    pub(super) clients: usize,
    pub(super) window: Duration,
}

/// A program and its first arguments.
pub(crate) struct PeerProgram {
    program: OsString,
    arguments: Vec<OsString>,
}

/// As it prints it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    appended: u64,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    retries: u64,
}

impl PeerProgram {
    /// The one for both crates: what it is to measure, and with which.
    pub(crate) fn rust(measurement: &str, store: &str) -> Result<Self> {
        Ok(Self {
            program: of_environment("CODING_AGENT_BENCH_PEERS")?.into(),
            arguments: vec![measurement.into(), store.into()],
        })
    }

    pub(crate) fn node(script: &str) -> Result<Self> {
        Ok(Self {
            program: "node".into(),
            arguments: vec![of_environment("CODING_AGENT_BENCH_EMMETT")?.join(script).into()],
        })
    }

    /// How many events must be in the database, and the figures.
    pub(super) async fn append(&self, plan: &Plan, place: &Place) -> Result<(u64, Round)> {
        let arguments = [
            ("--warm-up", WARM_UP_SECONDS.to_owned()),
            ("--streams", plan.streams.to_string()),
            ("--clients", plan.clients.to_string()),
            ("--bytes", EVENT_BYTES.to_string()),
            ("--seconds", plan.window.as_secs_f64().to_string()),
        ];
        let report: Report = self.run(place, &arguments, plan.window + PATIENCE).await?;
        ensure!(report.appended > 0, "nothing was appended");
        let round = Round {
            per_second: report.per_second,
            p50_ms: report.p50_ms,
            p99_ms: report.p99_ms,
            retries: as_float(report.retries) / as_float(report.appended),
        };
        Ok((report.appended, round))
    }

    /// Runs it on a database and reads what it prints.
    pub(crate) async fn run<Report: DeserializeOwned>(
        &self,
        place: &Place,
        arguments: &[(&str, String)],
        within: Duration,
    ) -> Result<Report> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(["--database", &place.database_url]);
        for (name, value) in arguments {
            command.args([*name, value.as_str()]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        let output = timeout(within, child.wait_with_output())
            .await
            .context("the program does not end")??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "it ended with {}: {errors}", output.status);
        serde_json::from_slice(&output.stdout).context("its report cannot be read")
    }
}

fn of_environment(name: &str) -> Result<PathBuf> {
    let value = std::env::var_os(name)
        .with_context(|| format!("{name} is not set: run ./dev bench, which builds the peers"))?;
    Ok(value.into())
}
