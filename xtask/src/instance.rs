//! The instance that `./dev up` runs: what is remembered about it, and the commands that look at it or end it.

pub(crate) mod cli;
pub(crate) mod down;
pub(crate) mod environment;
pub(crate) mod health;
pub(crate) mod reset;
pub(crate) mod state;
pub(crate) mod status;

use std::path::PathBuf;

use crate::project;

/// The private `PostgreSQL` of the instance.
pub(crate) fn postgres_directory() -> PathBuf {
    project::dev_directory().join("postgres")
}

/// The private Kafka of the instance; one and three brokers are two clusters with histories of their own.
pub(crate) fn kafka_directory(brokers: u16) -> PathBuf {
    project::dev_directory().join(format!("kafka-{brokers}"))
}

/// All directories where a Kafka of ours may run.
pub(crate) fn kafka_directories() -> [PathBuf; 2] {
    [kafka_directory(1), kafka_directory(3)]
}

/// Which process the platform is.
pub(crate) fn pid_file() -> PathBuf {
    project::dev_directory().join("coding-agent.pid")
}

/// Where the platform's output goes.
pub(crate) fn log_file() -> PathBuf {
    project::dev_directory().join("coding-agent.log")
}
