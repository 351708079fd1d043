//! What `/proc` says about processes.

use std::fs;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

/// A process, told apart from a later one with the same number by its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// Its start, in clock ticks since the machine started.
    pub started: u64,
}

impl ProcessId {
    /// Whether exactly this process still runs.
    pub fn is_running(self) -> bool {
        start_of(self.pid) == Some(self.started)
    }

    /// Sends a signal, unless the process is gone.
    pub fn signal(self, signal: Signal) -> Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        let pid = i32::try_from(self.pid)
            .ok()
            .and_then(Pid::from_raw)
            .context("a process id of 0")?;
        match kill_process(pid, signal) {
            Err(error) if error != rustix::io::Errno::SRCH => {
                Err(error).with_context(|| format!("cannot signal process {}", self.pid))
            }
            _ => Ok(()),
        }
    }
}

/// When the process started, in clock ticks since boot; nothing when there is no such process or it has ended and only
/// waits to be collected by its parent.
pub(super) fn start_of(pid: u32) -> Option<u64> {
    let stat = Stat::read(pid)?;
    (!matches!(stat.state, 'Z' | 'X')).then_some(stat.started)
}

/// The same for our own child, which stays in the table until we collect it, even when it has ended.
pub(super) fn start_of_child(pid: u32) -> Option<u64> {
    Some(Stat::read(pid)?.started)
}

/// The command line, arguments separated by blanks.
pub(super) fn command_line_of(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}

/// The running processes whose parent is `parent`.
pub(super) fn children_of(parent: u32) -> Vec<ProcessId> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::read(pid)?)))
        .filter(|(_, stat)| stat.parent == parent)
        .map(|(pid, stat)| ProcessId {
            pid,
            started: stat.started,
        })
        .collect()
}

struct Stat {
    state: char,
    parent: u32,
    started: u64,
}

impl Stat {
    /// Reads `/proc/PID/stat`; the name in parentheses may itself hold blanks and parentheses, so reading starts after it.
    fn read(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}
