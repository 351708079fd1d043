//! `./dev status`: what runs, and where.

use std::process::ExitCode;

use anyhow::Result;

use super::state::State;
use super::{health, kafka_directory, pid_file, postgres_directory};
use crate::menu::LogKind;
use crate::services::kafka::PrivateKafka;
use crate::services::postgres::PrivatePostgres;
use crate::services::process::RecordedProcess;

/// The command; succeeds when the platform is ready.
pub(crate) fn run() -> Result<ExitCode> {
    let state = State::load()?;
    match PrivatePostgres::running_in(&postgres_directory()) {
        Some(port) => println!("PostgreSQL    runs on 127.0.0.1:{port}"),
        None => println!("PostgreSQL    does not run"),
    }
    if let Some(run) = state.run.as_ref().filter(|run| run.log == LogKind::Kafka) {
        let runs = PrivateKafka::runs_in(&kafka_directory(run.brokers))?;
        let address = run.bootstrap.as_deref().unwrap_or_default();
        println!(
            "Kafka         {}",
            if runs {
                format!("runs on {address}")
            } else {
                "does not run".to_owned()
            }
        );
    }
    let process = RecordedProcess::find(&pid_file());
    let Some((process, run)) = process.zip(state.run) else {
        println!("coding-agent  does not run");
        return Ok(ExitCode::FAILURE);
    };
    let ready = health::is_ready(run.http_port);
    let verdict = if ready { "ready" } else { "not ready" };
    println!(
        "coding-agent  {verdict} at {} (process {}, log {})",
        run.url(),
        process.pid(),
        run.log.name()
    );
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
