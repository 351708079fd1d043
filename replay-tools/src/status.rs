//! `status`: the end of the log, and how far every generation of read models is behind it.

mod table;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::connection::{Connection, read_problem};
use crate::{OutputFormat, ToolError, ToolOptions};

const PATH: &str = "/api/status";
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Far more than any system has generations and partitions for.
const ANSWER_MAX_BYTES: usize = 4 * 1024 * 1024;
const ASK_EVERY: Duration = Duration::from_millis(200);
const RETIRED: &str = "retired";

/// The flags of `status`.
#[derive(Debug, Clone, Args)]
pub struct StatusOptions {
    /// Ask again until no read model is behind the log; the exit code is 1 when that does not come in time.
    #[arg(long)]
    pub wait_level: bool,
    /// How long to wait for that.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "wait_level", value_parser = clap::value_parser!(u64).range(0..=86_400))]
    pub within: u64,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: OutputFormat,
}

/// What the system says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemStatus {
    /// The kind of log behind it (`postgres`, `kafka`).
    pub log_kind: String,
    /// The log's epoch, as the system writes it.
    pub epoch: serde_json::Value,
    /// The next offset of every partition.
    pub log_end: BTreeMap<String, i64>,
    /// Whether the log takes writes; absent where nobody else could harm it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardStatus>,
    /// The generations of read models.
    pub generations: Vec<GenerationStatus>,
}

/// What the guard of the log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardStatus {
    /// Absent while writes are taken.
    pub stopped: Option<StopStatus>,
    /// What is right today and could become wrong by a change elsewhere.
    #[serde(default)]
    pub advice: Vec<String>,
}

/// Why the log takes no writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StopStatus {
    /// What was found, what is needed, and the command that mends it.
    pub reason: String,
    /// History is harmed, so they do not resume by themselves.
    pub is_final: bool,
}

/// One generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerationStatus {
    /// The PostgreSQL schema.
    pub schema: String,
    /// What it is for (`building`, `serving`, `following`, `retired`).
    pub state: String,
    /// What filled it.
    pub fingerprint: String,
    /// Offsets between it and the end of the log, over all partitions.
    pub lag_offsets: i64,
    /// The age of the oldest thing that it does not show; absent when that is not known.
    pub lag_seconds: Option<f64>,
    /// Its read models.
    pub models: Vec<ModelStatus>,
}

/// One read model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// Its name.
    pub name: String,
    /// The version of its projector.
    pub version: u32,
}

impl SystemStatus {
    /// Whether there are read models, and none of them is behind. A retired generation is not followed any more.
    pub fn is_level(&self) -> bool {
        let mut followed = self
            .generations
            .iter()
            .filter(|generation| generation.state != RETIRED)
            .peekable();
        followed.peek().is_some() && followed.all(|generation| generation.lag_offsets == 0)
    }

    /// For people.
    pub fn to_text(&self) -> String {
        table::render(self)
    }
}

/// Asks, waits if it should, and prints.
pub async fn run(status: &StatusOptions, options: &ToolOptions) -> Result<ExitCode, ToolError> {
    let connection = Connection::new(options)?;
    let answer = if status.wait_level {
        wait_level(&connection, Duration::from_secs(status.within)).await?
    } else {
        ask(&connection).await?
    };
    status.output.print(&answer, || answer.to_text())?;
    Ok(if status.wait_level && !answer.is_level() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The last answer: level, or what it was when the time was over. A system that is still starting is waited for too.
async fn wait_level(connection: &Connection, within: Duration) -> Result<SystemStatus, ToolError> {
    let deadline = Instant::now() + within;
    loop {
        let answer = ask(connection).await;
        match answer {
            Ok(status) if status.is_level() => return Ok(status),
            Err(error @ (ToolError::NotAllowed { .. } | ToolError::Protocol { .. })) => return Err(error),
            last if Instant::now() >= deadline => return last,
            Ok(_) | Err(_) => tokio::time::sleep(ASK_EVERY).await,
        }
    }
}

async fn ask(connection: &Connection) -> Result<SystemStatus, ToolError> {
    let url = connection.address(PATH);
    let unreachable = |source| ToolError::Unreachable {
        url: url.clone(),
        source,
    };
    let request = connection.request(Method::GET, PATH).timeout(REQUEST_TIMEOUT);
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if !status.is_success() {
        return Err(connection.refused(PATH, status, read_problem(response).await));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX_BYTES {
            return Err(ToolError::Protocol {
                url,
                reason: format!("more than {ANSWER_MAX_BYTES} bytes"),
            });
        }
    }
    serde_json::from_slice(&body).map_err(|error| ToolError::Protocol {
        url,
        reason: error.to_string(),
    })
}
