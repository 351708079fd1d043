//! One node: a real process of the platform that is started again whenever it ends, as a supervisor of services does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_util::task::AbortOnDropHandle;
use xtask::services::free_port::free_port;
use xtask::services::process::{RecordedProcess, Signal};

use super::clock::ShiftedClock;

/// How often it is looked at; also the pause before it is started again.
const LOOK: Duration = Duration::from_millis(300);

/// How a node is started.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
    pub(super) environment: Vec<(String, String)>,
    pub(super) clock: Option<ShiftedClock>,
}

/// A supervised node. Its process ends when this is dropped.
#[derive(Debug)]
pub(super) struct Node {
    port: u16,
    clock: Option<ShiftedClock>,
    log: PathBuf,
    state: Arc<Mutex<State>>,
    _supervisor: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct State {
    launch: Launch,
    name: String,
    port: u16,
    process: Option<RecordedProcess>,
    is_wanted: bool,
    /// Ends that nobody had asked for.
    own_ends: u64,
}

impl Node {
    /// Starts it on a free port.
    pub(super) fn start(name: &str, launch: Launch) -> Result<Self> {
        let port = free_port()?;
        let (clock, log) = (launch.clock.clone(), launch.directory.join(format!("{name}.log")));
        let mut state = State {
            launch,
            name: name.to_owned(),
            port,
            process: None,
            is_wanted: true,
            own_ends: 0,
        };
        state.spawn()?;
        let state = Arc::new(Mutex::new(state));
        Ok(Self {
            port,
            clock,
            log,
            _supervisor: AbortOnDropHandle::new(tokio::spawn(supervise(Arc::clone(&state)))),
            state,
        })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn log_file(&self) -> &Path {
        &self.log
    }

    pub(super) fn clock(&self) -> Option<&ShiftedClock> {
        self.clock.as_ref()
    }

    /// How often its process ended although nobody had killed it.
    pub(super) fn own_ends(&self) -> u64 {
        lock(&self.state).own_ends
    }

    /// Ends its process as a crash would; it stays away until [`Self::revive`].
    pub(super) fn kill(&self) -> Result<()> {
        let mut state = lock(&self.state);
        state.is_wanted = false;
        match state.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    pub(super) fn revive(&self) -> Result<()> {
        let mut state = lock(&self.state);
        state.is_wanted = true;
        if state.process.is_none() { state.spawn() } else { Ok(()) }
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        let state = lock(&self.state);
        state.process.as_ref().map_or(Ok(()), |process| process.signal(signal))
    }
}

impl State {
    fn spawn(&mut self) -> Result<()> {
        let listen = format!("http.listen=127.0.0.1:{}", self.port);
        let mut command = Command::new(&self.launch.program);
        command
            .args(["up", "--set", &listen])
            .current_dir(&self.launch.directory)
            .envs(self.launch.environment.iter().map(|(name, value)| (name, value)));
        if let Some(clock) = &self.launch.clock {
            command.envs(clock.environment());
        }
        let file = |extension: &str| self.launch.directory.join(format!("{}.{extension}", self.name));
        let process = RecordedProcess::spawn(command, &file("pid"), &listen, &file("log"))
            .with_context(|| format!("cannot start {}", self.name))?;
        self.process = Some(process);
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("a node stays behind: {error:#}");
        }
    }
}

async fn supervise(state: Arc<Mutex<State>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let mut state = lock(&state);
        if !state.is_wanted || state.process.as_mut().is_some_and(RecordedProcess::is_running) {
            continue;
        }
        if state.process.take().is_some() {
            state.own_ends += 1;
        }
        // Tried again at the next look.
        if let Err(error) = state.spawn() {
            eprintln!("{error:#}");
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
