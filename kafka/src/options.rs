//! How to reach the log.

use std::collections::BTreeMap;

use platform::config::Secret;
use rdkafka::ClientConfig;
use serde::{Deserialize, Serialize};

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
    /// Copies of a new topic. Three for production; one survives no disk.
    pub replication_factor: u32,
    /// Copies that must have a record before it counts. Two with three copies.
    pub min_insync_replicas: u32,
    /// Milliseconds that a produce waits for more records. 0 is the fastest for one client, 1 for hundreds.
    pub linger_ms: u32,
    /// Milliseconds after which an unanswered produce is reported as unknown.
    pub delivery_timeout_ms: u32,
    /// Further librdkafka properties, for example for TLS and SASL; never shown. Their names have dots, so the environment gives
    /// them as one table: `CODING_AGENT__KAFKA__PROPERTIES='{ "sasl.password" = "..." }'`. They win over ours, except for those that safety needs.
    pub properties: BTreeMap<String, Secret<String>>,
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
            delivery_timeout_ms: 15_000,
            properties: BTreeMap::new(),
        }
    }
}

impl KafkaOptions {
    /// What every client needs.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", "coding-agent");
        // Without it a single small record waits for the delayed acknowledgement of the last one.
        config.set("socket.nagle.disable", "true");
        // A broker that comes back is found soon; the default maximum is ten seconds.
        config.set("reconnect.backoff.max.ms", "1000");
        for (name, value) in &self.properties {
            config.set(name, value.expose());
        }
        config
    }
}
