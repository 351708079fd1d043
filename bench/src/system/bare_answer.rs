//! A bare handler that gives the bytes of one answer to whoever asks: what HTTP alone costs.

use anyhow::{Context as _, Result};
use tokio::process::Command;

use super::Installation;
use super::instance::Instance;
use super::neighbour;

const NAME: &str = "bare-answer";

/// Starts it and waits until it is ready.
pub(crate) async fn start(installation: &Installation, answer: &[u8]) -> Result<Instance> {
    let file = installation.folder("bare-answer.json");
    std::fs::write(&file, answer).context("the answer cannot be written")?;
    let command = |port| {
        let mut command = Command::new(neighbour::program(NAME)?);
        command.arg(format!("127.0.0.1:{port}")).arg(&file);
        Ok(command)
    };
    let mut instance = neighbour::start(installation, NAME, command)?;
    instance.wait_until_ready().await?;
    Ok(instance)
}
