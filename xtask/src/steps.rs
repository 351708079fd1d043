//! Steps of a check, each timed, with a summary at the end.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::interrupt;

/// Far longer than any step takes on two cores from a clean target; a test that hangs must not hold a build server.
const LONGEST: Duration = Duration::from_mins(40);

/// What was done so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// Does one step; one that fails is counted and the next goes on, so that a run reports everything.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<bool>) -> Result<bool> {
        interrupt::check()?;
        eprintln!("==> {name}");
        let start = Instant::now();
        let passed = work()?;
        self.done.push((name.to_owned(), start.elapsed(), passed));
        Ok(passed)
    }

    /// One step that is a command: it passes when the command succeeds.
    pub(crate) fn command(&mut self, name: &str, command: &mut Command) -> Result<bool> {
        self.step(name, || {
            let mut child = command.spawn()?;
            Ok(interrupt::wait_at_most(&mut child, LONGEST)?.success())
        })
    }

    /// Prints how long each step took; the code says whether all passed.
    pub(crate) fn finish(self) -> ExitCode {
        eprintln!();
        for (name, duration, passed) in &self.done {
            let verdict = if *passed { "ok    " } else { "FAILED" };
            eprintln!("{verdict} {:>7.1} s  {name}", duration.as_secs_f64());
        }
        if self.done.iter().all(|(_, _, passed)| *passed) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}
