//! Waiting for a condition, never longer than a deadline.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at. Small beside a server's start, large beside the cost of looking.
const STEP: Duration = Duration::from_millis(20);

/// Returns when `condition` holds; fails when it fails, or when it does not hold after `patience`.
pub fn wait_until(what: &str, patience: Duration, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !condition()? {
        if Instant::now() >= deadline {
            bail!("{what}: not within {} s", patience.as_secs());
        }
        std::thread::sleep(STEP);
    }
    Ok(())
}
