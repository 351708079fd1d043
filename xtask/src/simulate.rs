//! `./dev simulate`: the write side in simulated worlds. It needs no servers.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::interrupt;
use crate::release::Programs;

/// The command. Built in release mode: a night's run is a matter of worlds a second.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut command = Programs::build(&["simulation"])?.command("simulate")?;
    command.args(arguments);
    let mut child = command.spawn().context("the simulation cannot be started")?;
    let status = interrupt::wait_for(&mut child)?;
    interrupt::check()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
