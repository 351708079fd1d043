//! The server that answers a constant, in a process of its own like the program that it is compared with.

use anyhow::Result;
use tokio::process::Command;

use super::Installation;
use super::instance::Instance;
use super::neighbour;

const NAME: &str = "constant-answer";

/// Starts it and waits until it is ready.
pub(crate) async fn start(installation: &Installation) -> Result<Instance> {
    let command = |port| {
        let mut command = Command::new(neighbour::program(NAME)?);
        command.arg(format!("127.0.0.1:{port}"));
        Ok(command)
    };
    let mut instance = neighbour::start(installation, NAME, command)?;
    instance.wait_until_ready().await?;
    Ok(instance)
}
