//! Ctrl-C and SIGTERM set a flag; whoever waits looks at it, so that servers are always stopped in order.

use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register;

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
const STEP: Duration = Duration::from_millis(50);
/// How long a command may take to end by itself after Ctrl-C, which reached it as well.
const PATIENCE: Duration = Duration::from_secs(10);

/// From now on the signals set the flag instead of ending this program.
pub(crate) fn listen() -> Result<()> {
    let flag = FLAG.get_or_init(Arc::default);
    for signal in [SIGINT, SIGTERM] {
        register(signal, Arc::clone(flag)).context("cannot listen to signals")?;
    }
    Ok(())
}

/// Whether one of the signals has come.
pub(crate) fn requested() -> bool {
    FLAG.get().is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Fails when one of the signals has come.
pub(crate) fn check() -> Result<()> {
    if requested() {
        bail!("interrupted");
    }
    Ok(())
}

/// Waits for a command; after a signal it gets a while to end by itself.
pub(crate) fn wait_for(child: &mut Child) -> Result<ExitStatus> {
    wait_until_ended(child, None)
}

/// Waits for a command that must end within a time; then it is killed and counts as failed.
pub(crate) fn wait_at_most(child: &mut Child, limit: Duration) -> Result<ExitStatus> {
    wait_until_ended(child, Some(Instant::now() + limit))
}

fn wait_until_ended(child: &mut Child, mut deadline: Option<Instant>) -> Result<ExitStatus> {
    let mut interrupted = false;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a command")? {
            return Ok(status);
        }
        if requested() && !interrupted {
            interrupted = true;
            deadline = Some(Instant::now() + PATIENCE);
        }
        if deadline.is_some_and(|deadline| Instant::now() > deadline) {
            eprintln!("process {} did not end in time and is killed", child.id());
            child.kill().context("cannot end a command")?;
            deadline = None;
        }
        std::thread::sleep(STEP);
    }
}
