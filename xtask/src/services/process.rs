//! A process that we started, recorded in a pid file. Only such processes are ever signalled: a pid file whose process
//! is gone, or whose number now belongs to something else, is ignored.

mod proc_table;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
pub use rustix::process::Signal;

use super::log_file;
use super::wait::wait_until;
pub use proc_table::ProcessId;

/// How long a killed process may take to disappear.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a new process may take to show its command line.
const COMMAND_LINE_PATIENCE: Duration = Duration::from_secs(5);

/// A process of ours, started by this program or by an earlier run of it.
#[derive(Debug)]
pub struct RecordedProcess {
    id: ProcessId,
    pid_file: PathBuf,
    /// Present when this very program is the parent: it must then collect the exit status.
    child: Option<Child>,
}

impl RecordedProcess {
    /// Starts a process in its own group (Ctrl-C in our terminal does not reach it), with its output in `log`, and
    /// records it in `pid_file`. `mark` must be part of its command line; it is how a later run knows it again.
    pub fn spawn(mut command: Command, pid_file: &Path, mark: &str, log: &Path) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = log_file::open(log, &program)?;
        let errors = output.try_clone().context("cannot share the log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let started = proc_table::start_of_child(child.id()).context("a new process is not in /proc")?;
        let id = ProcessId {
            pid: child.id(),
            started,
        };
        let mut process = Self {
            id,
            pid_file: pid_file.to_owned(),
            child: Some(child),
        };
        if let Err(error) = process.wait_for_its_command_line().and_then(|()| process.record(mark)) {
            // Nobody could end it later.
            process.kill()?;
            return Err(error);
        }
        Ok(process)
    }

    /// A process that has just begun to be another program has no command line for a moment, and nobody could tell that it is ours.
    fn wait_for_its_command_line(&self) -> Result<()> {
        wait_until("a new process has a command line", COMMAND_LINE_PATIENCE, || {
            let line = proc_table::command_line_of(self.id.pid);
            Ok(line.is_some_and(|line| !line.is_empty()) || !self.id.is_running())
        })
    }

    /// The process that a pid file names, if it is running and is the one that was recorded.
    pub fn find(pid_file: &Path) -> Option<Self> {
        let text = fs::read_to_string(pid_file).ok()?;
        let mut lines = text.lines();
        let pid = lines.next()?.parse().ok()?;
        let started = lines.next()?.parse().ok()?;
        let mark = lines.next()?;
        let id = ProcessId { pid, started };
        let ours = id.is_running() && !mark.is_empty() && proc_table::command_line_of(pid)?.contains(mark);
        ours.then(|| Self {
            id,
            pid_file: pid_file.to_owned(),
            child: None,
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.id.pid
    }

    /// Whether it still runs (a stopped process counts as running).
    pub fn is_running(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.id.is_running(),
        }
    }

    /// The processes that it started and that still run.
    pub fn children(&self) -> Vec<ProcessId> {
        proc_table::children_of(self.id.pid)
    }

    /// Sends a signal. A process that is gone already is no error.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        self.id.signal(signal)
    }

    /// Waits until it has ended and forgets the pid file.
    pub fn wait_for_end(&mut self, patience: Duration) -> Result<()> {
        wait_until(&format!("the end of process {}", self.id.pid), patience, || {
            Ok(!self.is_running())
        })?;
        match fs::remove_file(&self.pid_file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.pid_file.display()))
            }
            _ => Ok(()),
        }
    }

    /// Asks it to end with `signal`, and kills it when it does not within `patience`.
    pub fn end(&mut self, signal: Signal, patience: Duration) -> Result<()> {
        self.signal(signal)?;
        // A stopped process acts on nothing but SIGKILL until it is continued.
        self.signal(Signal::CONT)?;
        if self.wait_for_end(patience).is_ok() {
            return Ok(());
        }
        self.kill()
    }

    /// Kills it without warning.
    pub fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.wait_for_end(KILL_PATIENCE)
    }

    fn record(&self, mark: &str) -> Result<()> {
        let text = format!("{}\n{}\n{mark}\n", self.id.pid, self.id.started);
        let next = self.pid_file.with_extension("pid-next");
        fs::write(&next, text)
            .and_then(|()| fs::rename(&next, &self.pid_file))
            .with_context(|| format!("cannot write {}", self.pid_file.display()))
    }
}
