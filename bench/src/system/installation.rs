//! Database, topic, signing key and log file of one system.

use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use platform::token::SigningKey;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use super::instance::{Instance, program};
use crate::Store;
use crate::servers::{Place, Servers};

const TOKEN_LIFETIME: Duration = Duration::from_hours(24);

/// What stays when the process ends.
pub(crate) struct Installation {
    store: Store,
    pub(crate) place: Place,
    directory: TempDir,
    key: SigningKey,
}

impl Installation {
    pub(crate) async fn new(store: Store, servers: &Servers) -> Result<Self> {
        let directory = tempfile::tempdir().context("no temporary directory")?;
        let key = SigningKey::load_or_create(&directory.path().join("key"))?;
        let place = servers.new_place().await?;
        Ok(Self {
            store,
            place,
            directory,
            key,
        })
    }

    /// Starts the program and waits until it is ready; also tells how long that took.
    pub(crate) async fn start(&self) -> Result<(Instance, Duration)> {
        let port = free_port()?;
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut command = self.program(&["up"])?;
        command
            .env("CODING_AGENT__HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(log);
        let started = Instant::now();
        let child = command.spawn().context("the program cannot be started")?;
        let mut instance = Instance::new(child, port, self.log());
        instance.wait_until_ready().await?;
        Ok((instance, started.elapsed()))
    }

    /// The program with the configuration of this installation.
    pub(crate) fn program(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(program()?);
        command
            .args(arguments)
            .env("CODING_AGENT__POSTGRES__URL", &self.place.database_url)
            .env("CODING_AGENT__LOG__KIND", self.store.name())
            .env("CODING_AGENT__KAFKA__BROKERS", &self.place.brokers)
            .env("CODING_AGENT__KAFKA__TOPIC", &self.place.topic)
            .env(
                "CODING_AGENT__AUTH__SIGNING_KEY_FILE",
                self.directory.path().join("key"),
            )
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        Ok(command)
    }

    /// A folder that is deleted with the installation.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A bearer token of nobody in particular.
    pub(crate) fn token(&self, role: &str) -> Result<String> {
        Ok(self.key.mint(Uuid::new_v4(), role, TOKEN_LIFETIME)?)
    }

    /// Deletes everything; its instances must have ended.
    pub(crate) async fn remove(self) -> Result<()> {
        self.place.remove().await
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }
}

pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
