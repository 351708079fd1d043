//! Imports the sample history through the platform's own command, which shows its progress and can be resumed.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::instance::environment;
use crate::instance::state::Run;
use crate::interrupt;
use crate::project;

/// Imports it; a second time adds nothing.
pub(super) fn import(run: &Run, token: &str) -> Result<()> {
    let mut command = Command::new(&run.program);
    environment::apply(run, &mut command);
    command
        .args(["import", "git"])
        .arg(project::sample())
        .args(["--url", &run.url(), "--token", token]);
    let mut child = command.spawn().context("cannot start the import")?;
    let status = interrupt::wait_for(&mut child)?;
    interrupt::check()?;
    if !status.success() {
        bail!("the import of the sample history failed; `./dev up` goes on where it stopped");
    }
    Ok(())
}
