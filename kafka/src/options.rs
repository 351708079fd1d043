//! How to reach the log.

use std::collections::BTreeMap;
use std::path::PathBuf;

use platform::config::Secret;
use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

mod error;
mod reserved;
mod secret_files;

pub use error::OptionsError;

/// Section `[kafka]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaOptions {
    /// Bootstrap servers, `host:port,host:port`.
    pub brokers: String,
    /// The topic that is the log. Nobody else may write to it.
    pub topic: String,
    /// Partitions of a new topic; an existing one keeps its own.
    pub partitions: u32,
    /// Copies that each partition has: a new topic is made with them, one with fewer is refused. Three for production; one survives no disk.
    pub replication_factor: u32,
    /// Copies that must have a record before it counts. Two with three copies.
    pub min_insync_replicas: u32,
    /// Milliseconds that a produce waits for more records. 0 is the fastest for one client, 1 for hundreds.
    pub linger_ms: u32,
    /// Produce requests under way to one broker at a time; more records wait and go together. A record alone does not notice. 1 costs a
    /// near broker least; a far one, where each request takes milliseconds, answers sooner with 4 or 8.
    pub requests_in_flight: u32,
    /// Milliseconds after which an unanswered produce is reported as unknown.
    pub delivery_timeout_ms: u32,
    /// Milliseconds between two looks of the topic guard. A wrong setting stops writes after that time at most.
    pub guard_interval_ms: u64,
    /// Further librdkafka properties, for example for TLS and SASL; never shown. Their names have dots, so the environment gives
    /// them as one table: `CODING_AGENT__KAFKA__PROPERTIES='{ "sasl.password" = "..." }'`. They win over ours, except for those that
    /// safety needs: [`KafkaOptions::check`] refuses them.
    pub properties: BTreeMap<String, Secret<String>>,
    /// Properties whose value is the content of a file, as orchestrators mount secrets: `"sasl.password" = "/run/secrets/kafka"`.
    pub property_files: BTreeMap<String, PathBuf>,
}

impl Default for KafkaOptions {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:9092".to_owned(),
            topic: "coding-agent.events".to_owned(),
            partitions: 16,
            replication_factor: 1,
            min_insync_replicas: 1,
            linger_ms: 0,
            requests_in_flight: 2,
            delivery_timeout_ms: 15_000,
            guard_interval_ms: 30_000,
            properties: BTreeMap::new(),
            property_files: BTreeMap::new(),
        }
    }
}

impl KafkaOptions {
    /// Are these options that the log may be opened with? Reads no file and asks no broker.
    pub fn check(&self) -> Result<(), OptionsError> {
        if !(50..=600_000).contains(&self.guard_interval_ms) {
            return Err(OptionsError::OutOfRange {
                setting: "kafka.guard_interval_ms",
                needed: "between 50 and 600000",
                found: self.guard_interval_ms,
            });
        }
        if !(1..=100).contains(&self.requests_in_flight) {
            return Err(OptionsError::OutOfRange {
                setting: "kafka.requests_in_flight",
                needed: "between 1 and 100",
                found: self.requests_in_flight.into(),
            });
        }
        if self.min_insync_replicas > self.replication_factor {
            return Err(OptionsError::OutOfRange {
                setting: "kafka.min_insync_replicas",
                needed: "at most kafka.replication_factor",
                found: self.min_insync_replicas.into(),
            });
        }
        for property in self.properties.keys().chain(self.property_files.keys()) {
            if let Some(why) = reserved::why(property) {
                return Err(OptionsError::Reserved {
                    property: property.clone(),
                    why,
                });
            }
        }
        match self
            .property_files
            .keys()
            .find(|property| self.properties.contains_key(*property))
        {
            Some(property) => Err(OptionsError::GivenTwice {
                property: property.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The same with the properties that stand in files.
    pub(crate) fn with_files_read(mut self) -> Result<Self, OptionsError> {
        for (property, path) in std::mem::take(&mut self.property_files) {
            let value = secret_files::read(&property, &path)?;
            self.properties.insert(property, value);
        }
        Ok(self)
    }

    /// What every client needs.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "coding-agent");
        // Without it a single small record waits for the delayed acknowledgement of the last one.
        config.set("socket.nagle.disable", "true");
        // A broker that comes back is found soon; the default maximum is ten seconds.
        config.set("reconnect.backoff.max.ms", "1000");
        // A connection that something in between has forgotten looks open and never answers. After the default of a minute nothing would
        // have been acknowledged for a minute.
        config.set("socket.timeout.ms", "10000");
        // Who leads a partition is asked again after an error; when the answer came in the middle of an election and was wrong, not before the
        // default of five minutes.
        config.set("topic.metadata.refresh.interval.ms", "5000");
        for (name, value) in &self.properties {
            config.set(name, value.expose());
        }
        config
    }
}
