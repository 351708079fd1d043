//! The process of the platform.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::instance::state::Run;
use crate::instance::{down, environment, health, log_file, pid_file};
use crate::interrupt;
use crate::services::free_port::{free_port, is_free};
use crate::services::log_file;
use crate::services::process::{RecordedProcess, Signal};
use crate::services::wait::wait_until;

const USUAL_PORT: u16 = 5000;
/// Migrations and the catching up of read models happen before it is ready.
const START_PATIENCE: Duration = Duration::from_mins(2);
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// The running platform. Dropping it stops a process that this handle started, unless it was left running.
#[derive(Debug)]
pub(super) struct Platform {
    process: RecordedProcess,
    ends_with_handle: bool,
}

impl Platform {
    /// Starts it, or takes the one that runs in exactly this way; waits until it is ready.
    pub(super) fn start(run: &Run, before: Option<&Run>) -> Result<Self> {
        let running = RecordedProcess::find(&pid_file());
        let mut platform = match running {
            Some(process) if before == Some(run) => Self {
                process,
                ends_with_handle: false,
            },
            running => {
                if running.is_some() {
                    eprintln!("the program or its options changed: starting it anew");
                    down::stop_platform()?;
                }
                let mut command = Command::new(&run.program);
                command.arg("up");
                environment::apply(run, &mut command);
                let mark = format!("{} up", run.program.display());
                let process = RecordedProcess::spawn(command, &pid_file(), &mark, &log_file())?;
                Self {
                    process,
                    ends_with_handle: true,
                }
            }
        };
        let process = &mut platform.process;
        wait_until("coding-agent is ready", START_PATIENCE, || {
            interrupt::check()?;
            if !process.is_running() {
                bail!("coding-agent ended; {}", log_file::quote(&log_file()));
            }
            Ok(health::is_ready(run.http_port))
        })?;
        Ok(platform)
    }

    pub(super) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    pub(super) fn leave_running(mut self) {
        self.ends_with_handle = false;
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        if self.ends_with_handle
            && self.is_running()
            && let Err(error) = self.process.end(Signal::TERM, STOP_PATIENCE)
        {
            eprintln!("cannot stop coding-agent: {error:#}");
        }
    }
}

/// The port asked for; else the one of the last run, the usual one, or a free one.
pub(super) fn choose_port(asked: Option<u16>, before: Option<&Run>) -> Result<u16> {
    let ours = RecordedProcess::find(&pid_file()).and(before).map(|run| run.http_port);
    let usable = |port: u16| ours == Some(port) || is_free(port);
    if let Some(port) = asked {
        if !usable(port) {
            bail!("port {port} is taken by another program");
        }
        return Ok(port);
    }
    match before
        .map(|run| run.http_port)
        .into_iter()
        .chain([USUAL_PORT])
        .find(|port| usable(*port))
    {
        Some(port) => Ok(port),
        None => free_port(),
    }
}
