//! `./dev data`: fills the log of the instance with real histories under other names.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::bench;
use crate::instance::environment;
use crate::instance::state::State;
use crate::interrupt;
use crate::menu::DataOptions;
use crate::release::Programs;

/// The command. The platform may go on meanwhile; its read models follow.
pub(crate) fn run(options: &DataOptions) -> Result<ExitCode> {
    let run = State::load()?
        .run
        .context("there is no instance yet: start one with `./dev up --detach`")?;
    if options.log.is_some_and(|log| log != run.log) {
        bail!(
            "the instance stores its events in {}; start another one with `./dev up --detach --log ..`",
            run.log.name()
        );
    }
    let mut command = Programs::build(&bench::PACKAGES)?.command("replicate")?;
    command.args(["--events", &options.events.to_string(), "--output", &options.output]);
    for history in &options.histories {
        // The program runs in the root of the repository.
        let history = std::path::absolute(history).context("there is no directory to start from")?;
        command.arg("--history").arg(history);
    }
    environment::apply(&run, &mut command);
    let mut child = command.spawn().context("the replication cannot be started")?;
    let status = interrupt::wait_for(&mut child)?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
