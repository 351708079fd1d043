//! `./dev cli ARGS` and `./dev token ARGS`: the platform's program with the configuration of the instance.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use super::environment;
use super::state::State;

/// Becomes the program, so that its output and exit code are exactly its own.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let run = State::load()?
        .run
        .context("there is no instance yet: start one with `./dev up --detach`")?;
    let mut command = Command::new(&run.program);
    environment::apply(&run, &mut command);
    let error = command.args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}; `./dev up` builds it", run.program.display()))
}
