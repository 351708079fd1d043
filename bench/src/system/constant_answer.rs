//! The server that answers a constant, in a process of its own like the program that it is compared with.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::Installation;
use super::installation::free_port;
use super::instance::Instance;

/// Starts it and waits until it is ready.
pub(crate) async fn start(installation: &Installation) -> Result<Instance> {
    let port = free_port()?;
    let child = Command::new(program()?)
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("the server of the constant cannot be started")?;
    let mut instance = Instance::new(child, port, installation.log());
    instance.wait_until_ready().await?;
    Ok(instance)
}

fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("constant-answer");
    ensure!(
        path.is_file(),
        "{} is missing: cargo build --release -p bench builds it",
        path.display()
    );
    Ok(path)
}
