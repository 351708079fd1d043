//! What a broker is told in its properties file, and the identity of the cluster.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::ClientListener;
use super::ports::Ports;

/// The properties of one broker, which is a controller too.
pub(super) fn properties(number: u16, ports: &Ports, clients: Option<ClientListener>, data: &Path) -> Result<String> {
    let (broker, controller, voters) = (ports.broker(number)?, ports.controller(number)?, ports.voters());
    let copies = ports.brokers();
    // With three copies a write is safe on two: one broker may go without stopping anybody.
    let in_sync = if copies == 3 { 2 } else { 1 };
    // Answered on the listener that a client came in by: with that listener's advertised port.
    let (mut listener, mut advertised, mut protocol) = (String::new(), String::new(), "");
    if let Some(clients) = clients {
        listener = format!(",CLIENTS://127.0.0.1:{}", clients.port);
        advertised = format!(",CLIENTS://127.0.0.1:{}", clients.advertised_port);
        protocol = ",CLIENTS:PLAINTEXT";
    }
    Ok(format!(
        "# Written at each start; changes are lost.
process.roles=broker,controller
node.id={number}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}{listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}{advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{protocol}
controller.quorum.voters={voters}
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={copies}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
# A killed broker may come back after this time, not after nine seconds.
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=500
# The cleaner would take 128 MB of a small heap for topics that are never compacted.
log.cleaner.dedupe.buffer.size=16777216
",
        data = data.display()
    ))
}

/// The identity of the cluster in this directory, made at its first start. A directory belongs to one number of brokers.
pub(super) fn cluster_id(cluster: &Path, brokers: u16) -> Result<String> {
    let file = cluster.join("cluster");
    if let Ok(text) = fs::read_to_string(&file) {
        let (id, count) = text
            .trim()
            .split_once(' ')
            .with_context(|| format!("{} is damaged", file.display()))?;
        ensure!(
            count == brokers.to_string(),
            "the Kafka in {} has {count} brokers, not {brokers}; use another directory",
            cluster.display()
        );
        return Ok(id.to_owned());
    }
    let id = random_id()?;
    fs::write(&file, format!("{id} {brokers}\n")).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(id)
}

/// 128 random bits in Kafka's spelling: 22 characters of URL-safe base64, of which the last holds two bits only.
fn random_id() -> Result<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut random = [0_u8; 22];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut random))
        .context("no random numbers")?;
    // A leading dash would be read as an option by Kafka's tools; the first character is one of the first 32.
    let choices = random.iter().enumerate().map(|(index, byte)| match index {
        0 => byte % 32,
        21 => (byte % 4) * 16,
        _ => byte % 64,
    });
    Ok(choices
        .map(|choice| char::from(ALPHABET[usize::from(choice)]))
        .collect())
}
