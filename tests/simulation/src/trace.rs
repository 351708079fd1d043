//! What happened in a world, line by line, for people; kept only when somebody wants to read it.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// The lines so far.
#[derive(Debug)]
pub(crate) struct Trace {
    start: Instant,
    lines: Option<Mutex<Vec<String>>>,
}

impl Trace {
    /// An empty trace; a silent one keeps nothing.
    pub(crate) fn new(kept: bool) -> Self {
        Self {
            start: Instant::now(),
            lines: kept.then(Mutex::default),
        }
    }

    /// Adds a line, with the time of the world.
    pub(crate) fn say(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let at = self.start.elapsed();
            let line = format!("{:>9.3} s  {}", at.as_secs_f64(), line());
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    /// All lines.
    pub(crate) fn take(&self) -> Vec<String> {
        self.lines.as_ref().map_or_else(Vec::new, |lines| {
            std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }
}
