//! `./dev down`: ends, by process id, what `up` started.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

use super::{kafka_directories, pid_file, postgres_directory};
use crate::lock::Lock;
use crate::project;
use crate::services::kafka::PrivateKafka;
use crate::services::postgres::PrivatePostgres;
use crate::services::process::{RecordedProcess, Signal};

/// The platform promises to finish in 10 seconds.
const PATIENCE: Duration = Duration::from_secs(15);

/// The command.
pub(crate) fn run() -> Result<ExitCode> {
    if !project::dev_directory().is_dir() {
        println!("nothing runs");
        return Ok(ExitCode::SUCCESS);
    }
    let _lock = Lock::take(&project::dev_directory())?;
    let stopped = stop_everything()?;
    println!(
        "{}",
        if stopped.is_empty() {
            "nothing runs".to_owned()
        } else {
            format!("stopped {}", stopped.join(", "))
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// Ends the platform first, then what it uses; tells what ran.
pub(crate) fn stop_everything() -> Result<Vec<&'static str>> {
    let mut stopped = Vec::new();
    if stop_platform()? {
        stopped.push("coding-agent");
    }
    if stop_kafka()? {
        stopped.push("Kafka");
    }
    if PrivatePostgres::stop_in(&postgres_directory())? {
        stopped.push("PostgreSQL");
    }
    Ok(stopped)
}

/// Ends the platform alone.
pub(crate) fn stop_platform() -> Result<bool> {
    let Some(mut process) = RecordedProcess::find(&pid_file()) else {
        return Ok(false);
    };
    process.end(Signal::TERM, PATIENCE)?;
    Ok(true)
}

/// Ends all Kafkas.
pub(crate) fn stop_kafka() -> Result<bool> {
    let mut stopped = false;
    for directory in kafka_directories() {
        stopped |= PrivateKafka::stop_in(&directory)?;
    }
    Ok(stopped)
}
