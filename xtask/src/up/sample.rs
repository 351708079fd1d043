//! Imports the sample history through the platform's own command, which shows its progress and can be resumed, and waits
//! until it can be queried.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::instance::environment;
use crate::instance::state::Run;
use crate::interrupt;
use crate::project;

/// Imports it; a second time adds nothing.
pub(super) fn import(run: &Run, token: &str) -> Result<()> {
    let sample = project::sample();
    let sample = sample.to_string_lossy();
    if !tool(run, token, &["import", "git", &sample])? {
        bail!("the import of the sample history failed; `./dev up` goes on where it stopped");
    }
    if !tool(run, token, &["status", "--wait-level"])? {
        bail!("the read models do not reach the end of the log; the log file of the platform says why");
    }
    Ok(())
}

/// Runs a tool of the platform against it. The token goes by the environment, where other users cannot see it.
fn tool(run: &Run, token: &str, arguments: &[&str]) -> Result<bool> {
    let mut command = Command::new(&run.program);
    environment::apply(run, &mut command);
    command
        .args(arguments)
        .args(["--url", &run.url()])
        .env("CODING_AGENT_TOKEN", token);
    let mut child = command.spawn().context("cannot start the program")?;
    let status = interrupt::wait_for(&mut child)?;
    interrupt::check()?;
    Ok(status.success())
}
