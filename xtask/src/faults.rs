//! `./dev faults`: faults on three brokers, `PostgreSQL` and real nodes under load, and a check of what clients were told.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::interrupt;
use crate::project;
use crate::release::Programs;

/// The command. Built before the servers start, so that the compiler is no fault of its own.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let programs = Programs::build(&["faults", "coding-agent"])?;
    let directory = project::dev_directory().join("faults");
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let mut command = programs.command("faults")?;
    command.arg("--directory").arg(&directory).args(arguments);
    let mut child = command.spawn().context("the faults cannot be started")?;
    let status = interrupt::wait_for(&mut child)?;
    interrupt::check()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
