//! A private Apache Kafka of one or three brokers, started from its Maven jars. Each broker is its own process and can be
//! killed, paused and restarted by its number, which counts from 1.

mod broker;
pub mod jars;
mod ports;
mod quorum;
mod readiness;
mod settings;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::log_file;
use super::wait::wait_until;
use broker::Broker;
use jars::Jars;

/// Two seconds are usual; a machine that builds at the same time needs more.
const START_PATIENCE: Duration = Duration::from_mins(2);

/// A further listener of a broker, for clients that shall reach it through something else, such as a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientListener {
    /// Where the broker listens on 127.0.0.1.
    pub port: u16,
    /// The port of 127.0.0.1 that clients of this listener are sent to.
    pub advertised_port: u16,
}

/// A running cluster. Dropping it stops the brokers that this handle started, unless [`leave_running`](Self::leave_running) was called.
#[derive(Debug)]
pub struct PrivateKafka {
    brokers: Vec<Broker>,
    ends_with_handle: bool,
}

impl PrivateKafka {
    /// Starts 1 or 3 brokers with their data in `directory` (made when missing) on free ports, and waits until all of them
    /// are members of the cluster. Brokers that run there already are used as they are.
    pub fn start(directory: &Path, brokers: u16) -> Result<Self> {
        Self::start_on(directory, brokers, 0)
    }

    /// As [`start`](Self::start), with the first broker on a given port (0 for a free one).
    pub fn start_on(directory: &Path, brokers: u16, port: u16) -> Result<Self> {
        Self::start_with(directory, brokers, port, &[])
    }

    /// As [`start`](Self::start), where each broker has a further listener, in order of their numbers. Brokers talk with each other
    /// directly, and so do clients that begin at [`bootstrap`](Self::bootstrap).
    pub fn start_behind(directory: &Path, clients: &[ClientListener]) -> Result<Self> {
        let brokers = u16::try_from(clients.len()).unwrap_or(u16::MAX);
        Self::start_with(directory, brokers, 0, clients)
    }

    fn start_with(directory: &Path, brokers: u16, port: u16, clients: &[ClientListener]) -> Result<Self> {
        ensure!(
            brokers == 1 || brokers == 3,
            "a private Kafka has 1 or 3 brokers, not {brokers}"
        );
        fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let directory = directory
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", directory.display()))?;
        let jars = Jars::fetch()?;
        let cluster = settings::cluster_id(&directory, brokers)?;
        let mut members: Vec<Broker> = (1..=brokers)
            .map(|number| Broker::find(&directory, number, jars.clone()))
            .collect();
        let running = members.iter_mut().any(Broker::is_running);
        let ports = ports::choose(&directory, brokers, port, running)?;
        let mut kafka = Self {
            brokers: Vec::new(),
            ends_with_handle: !running,
        };
        for (index, member) in members.iter_mut().enumerate() {
            member.configure(&ports, clients.get(index).copied())?;
        }
        format_storage(&members, &cluster)?;
        kafka.brokers = members;
        for broker in &mut kafka.brokers {
            broker.launch()?;
        }
        kafka.wait_until_complete()?;
        Ok(kafka)
    }

    /// The bootstrap servers: `host:port`, separated by commas.
    pub fn bootstrap(&self) -> String {
        self.brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
    }

    /// The number of the broker that is the active controller, as far as the others know; nothing while there is none.
    pub fn controller(&mut self) -> Option<u16> {
        let running = self.brokers.iter_mut().filter(|broker| broker.is_wanted());
        running.map(|broker| broker.port()).find_map(quorum::leader)
    }

    /// How many brokers there are, running or not.
    pub fn brokers(&self) -> u16 {
        u16::try_from(self.brokers.len()).unwrap_or(u16::MAX)
    }

    /// The port of the first broker.
    pub fn port(&self) -> Option<u16> {
        self.brokers.first().map(Broker::port)
    }

    /// Where the output of a broker goes.
    pub fn log_file(&self, broker: u16) -> Result<PathBuf> {
        Ok(self.broker(broker)?.log_file())
    }

    /// Ends a broker as a crash would (SIGKILL).
    pub fn kill(&mut self, broker: u16) -> Result<()> {
        self.broker_mut(broker)?.kill()
    }

    /// Stops a broker in order if it runs, starts it again on the same port, and waits until the cluster is complete.
    /// Brokers that were killed stay down and are not waited for.
    pub fn restart(&mut self, broker: u16) -> Result<()> {
        let broker = self.broker_mut(broker)?;
        broker.stop()?;
        broker.launch()?;
        self.wait_until_complete()
    }

    /// Freezes a broker (SIGSTOP): its connections stay open and nothing is answered.
    pub fn pause(&self, broker: u16) -> Result<()> {
        self.broker(broker)?.pause()
    }

    /// Lets a paused broker go on.
    pub fn resume(&self, broker: u16) -> Result<()> {
        self.broker(broker)?.resume()
    }

    /// Stops all brokers in order.
    pub fn stop(&mut self) -> Result<()> {
        stop_all(&mut self.brokers)
    }

    /// Lets the brokers run after this handle, and this program, have gone.
    pub fn leave_running(mut self) {
        self.ends_with_handle = false;
    }

    /// Stops the brokers of a directory, if some of ours run there.
    pub fn stop_in(directory: &Path) -> Result<bool> {
        let mut brokers = Broker::running_in(directory)?;
        stop_all(&mut brokers)?;
        Ok(!brokers.is_empty())
    }

    /// Whether brokers of ours run in this directory.
    pub fn runs_in(directory: &Path) -> Result<bool> {
        Ok(!Broker::running_in(directory)?.is_empty())
    }

    fn wait_until_complete(&mut self) -> Result<()> {
        let expected = self.brokers.iter().filter(|broker| broker.is_wanted()).count();
        for broker in &mut self.brokers {
            if !broker.is_wanted() {
                continue;
            }
            let log = broker.log_file();
            wait_until(
                &format!("Kafka answers at {} with all brokers", broker.address()),
                START_PATIENCE,
                || {
                    if !broker.is_running() {
                        bail!(
                            "Kafka ended instead of listening on {}; {}",
                            broker.address(),
                            log_file::quote(&log)
                        );
                    }
                    Ok(readiness::members(broker.port()).is_some_and(|members| members >= expected))
                },
            )
            .with_context(|| format!("Kafka did not start; {}", log_file::quote(&log)))?;
        }
        Ok(())
    }

    fn broker(&self, number: u16) -> Result<&Broker> {
        self.brokers
            .iter()
            .find(|broker| broker.number() == number)
            .with_context(|| format!("there is no broker {number}"))
    }

    fn broker_mut(&mut self, number: u16) -> Result<&mut Broker> {
        self.brokers
            .iter_mut()
            .find(|broker| broker.number() == number)
            .with_context(|| format!("there is no broker {number}"))
    }
}

impl Drop for PrivateKafka {
    fn drop(&mut self) {
        if self.ends_with_handle
            && let Err(error) = self.stop()
        {
            eprintln!("cannot stop Kafka: {error:#}");
        }
    }
}

/// Each formatting is a start of the Java machine: they run side by side.
fn format_storage(brokers: &[Broker], cluster: &str) -> Result<()> {
    let formatting = brokers
        .iter()
        .filter_map(|broker| broker.start_formatting(cluster).transpose());
    // All are started before the first is waited for.
    let formatting: Vec<_> = formatting.collect();
    for one in formatting {
        let output = one?
            .wait_with_output()
            .context("cannot wait for Kafka's storage tool")?;
        if !output.status.success() {
            bail!(
                "Kafka's storage tool failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
    }
    Ok(())
}

/// Asks all to stop before waiting for the first: a broker hands its partitions over, and the last ones have nobody left
/// to hand them to.
fn stop_all(brokers: &mut [Broker]) -> Result<()> {
    for broker in brokers.iter() {
        broker.ask_to_stop()?;
    }
    for broker in brokers {
        broker.stop()?;
    }
    Ok(())
}
