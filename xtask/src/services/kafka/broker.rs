//! One broker: its directory, its configuration and its process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::process::{RecordedProcess, Signal};
use super::ClientListener;
use super::jars::Jars;
use super::ports::Ports;
use super::settings;

/// A broker hands over its partitions first. One that is the last of its cluster waits in vain, so this is short: what was
/// acknowledged is in the operating system's hands and survives a kill.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// A member of the private cluster.
#[derive(Debug)]
pub(super) struct Broker {
    number: u16,
    directory: PathBuf,
    port: u16,
    /// Compiled code that is quick to have, in place of code that is quick to run.
    starts_quickly: bool,
    jars: Jars,
    process: Option<RecordedProcess>,
}

impl Broker {
    /// The broker with this number, running or not.
    pub(super) fn find(cluster: &Path, number: u16, jars: Jars) -> Self {
        let directory = cluster.join(format!("broker-{number}"));
        let process = RecordedProcess::find(&directory.join("kafka.pid"));
        Self {
            number,
            directory,
            port: 0,
            starts_quickly: false,
            jars,
            process,
        }
    }

    /// The brokers of a cluster's directory that run.
    pub(super) fn running_in(cluster: &Path) -> Result<Vec<Self>> {
        let Ok(cluster) = cluster.canonicalize() else {
            return Ok(Vec::new());
        };
        let jars = Jars::location()?;
        let brokers = (1..=3).map(|number| Self::find(&cluster, number, jars.clone()));
        Ok(brokers.filter(|broker| broker.process.is_some()).collect())
    }

    pub(super) fn number(&self) -> u16 {
        self.number
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.directory.join("kafka.log")
    }

    /// Whether it should be there: started and not killed or stopped since.
    pub(super) fn is_wanted(&self) -> bool {
        self.process.is_some()
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(RecordedProcess::is_running)
    }

    /// Writes its configuration file.
    pub(super) fn configure(&mut self, ports: &Ports, clients: Option<ClientListener>) -> Result<()> {
        fs::create_dir_all(&self.directory).with_context(|| format!("cannot make {}", self.directory.display()))?;
        self.port = ports.broker(self.number)?;
        // Who puts something between brokers and clients starts brokers again and again, and measures no speed.
        self.starts_quickly = clients.is_some();
        let text = settings::properties(self.number, ports, clients, &self.data_directory())?;
        fs::write(self.settings_file(), text)
            .with_context(|| format!("cannot write {}", self.settings_file().display()))
    }

    /// Starts to format its data directory, unless that was done before.
    pub(super) fn start_formatting(&self, cluster: &str) -> Result<Option<Child>> {
        if self.data_directory().join("meta.properties").exists() {
            return Ok(None);
        }
        let child = self
            .java("64m")
            .args(["kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config"])
            .arg(self.settings_file())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start java")?;
        Ok(Some(child))
    }

    /// Starts it unless it runs.
    pub(super) fn launch(&mut self) -> Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let settings = self.settings_file();
        let mut command = self.java("384m");
        command.arg("kafka.Kafka").arg(&settings);
        let mark = settings.to_string_lossy();
        let process = RecordedProcess::spawn(command, &self.directory.join("kafka.pid"), &mark, &self.log_file())?;
        self.process = Some(process);
        Ok(())
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    pub(super) fn ask_to_stop(&self) -> Result<()> {
        self.signal(Signal::TERM)?;
        self.signal(Signal::CONT)
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.end(Signal::TERM, STOP_PATIENCE),
            None => Ok(()),
        }
    }

    pub(super) fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    pub(super) fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        self.process.as_ref().map_or(Ok(()), |process| process.signal(signal))
    }

    fn settings_file(&self) -> PathBuf {
        self.directory.join("server.properties")
    }

    fn data_directory(&self) -> PathBuf {
        self.directory.join("data")
    }

    fn java(&self, heap: &str) -> Command {
        let mut command = Command::new("java");
        if self.starts_quickly {
            command.arg("-XX:TieredStopAtLevel=1");
        }
        command
            .current_dir(&self.directory)
            .arg(format!("-Xmx{heap}"))
            // One small heap on few cores: other collectors cost threads and memory.
            .args(["-XX:+UseSerialGC", "-Djava.awt.headless=true"])
            .args([
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
            ])
            .arg("-cp")
            .arg(self.jars.class_path());
        command
    }
}
