//! A process that is measured beside the program: it listens on the port that it is told, and ends when it is asked to.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use super::Installation;
use super::installation::free_port;
use super::instance::Instance;

/// Starts what the port makes a command of. What it prints goes to a file of the installation, which has its name.
pub(super) fn start(
    installation: &Installation,
    name: &str,
    command: impl FnOnce(u16) -> Result<Command>,
) -> Result<Instance> {
    let port = free_port()?;
    let log = installation.folder(&format!("{name}.log"));
    let output = File::create(&log).with_context(|| format!("cannot make the log of {name}"))?;
    let child = command(port)?
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    Ok(Instance::new(child, port, log))
}

/// A program of this crate, which is built beside this one.
pub(super) fn program(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(
        path.is_file(),
        "{} is missing: cargo build --release -p bench builds it",
        path.display()
    );
    Ok(path)
}
