//! `.dev/state.json`: what `./dev` remembers from one command to the next.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::menu::LogKind;
use crate::project;

/// What is remembered. A missing file is the default.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// The port of `PostgreSQL`.
    pub(crate) postgres_port: Option<u16>,
    /// What runs, or ran last.
    pub(crate) run: Option<Run>,
    /// The user whose token `up` prints.
    pub(crate) user: Option<String>,
    /// The databases into which the sample has been imported.
    pub(crate) sampled: BTreeSet<String>,
}

/// One way of running the platform. Another way needs a new process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The store.
    pub(crate) log: LogKind,
    /// Kafka's brokers.
    pub(crate) brokers: u16,
    /// Kafka's address, for the Kafka store.
    pub(crate) bootstrap: Option<String>,
    /// The platform's HTTP port.
    pub(crate) http_port: u16,
    /// The port of `PostgreSQL`.
    pub(crate) postgres_port: u16,
    /// The program.
    pub(crate) program: PathBuf,
    /// When the program was built.
    pub(crate) built: Option<SystemTime>,
}

impl Run {
    /// Every log has its own database: the read models in it belong to that log.
    pub(crate) fn database(&self) -> &'static str {
        match (self.log, self.brokers) {
            (LogKind::Postgresql, _) => "coding_agent",
            (LogKind::Kafka, 3) => "coding_agent_kafka_3",
            (LogKind::Kafka, _) => "coding_agent_kafka",
        }
    }

    /// The address of the single entry.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.http_port)
    }
}

impl State {
    /// Reads what is remembered.
    pub(crate) fn load() -> Result<Self> {
        let path = path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        serde_json::from_str(&text).with_context(|| format!("{} is damaged; `./dev reset` starts anew", path.display()))
    }

    /// Writes it; a reader sees the old or the new, never half.
    pub(crate) fn save(&self) -> Result<()> {
        let (path, next) = (path(), path().with_extension("json-next"));
        let text = serde_json::to_string_pretty(self).context("cannot write the state")?;
        fs::write(&next, text + "\n")
            .and_then(|()| fs::rename(&next, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// When a program was built; nothing when it is not there.
pub(crate) fn built(program: &Path) -> Option<SystemTime> {
    fs::metadata(program).and_then(|metadata| metadata.modified()).ok()
}

fn path() -> PathBuf {
    project::dev_directory().join("state.json")
}
