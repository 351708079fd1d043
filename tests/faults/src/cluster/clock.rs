//! A wall clock of one process that can jump, by libfaketime. The monotonic clock goes on as it was, as it does when the time of a
//! machine is set.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Where Debian puts the library, by architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one node.
#[derive(Debug, Clone)]
pub(super) struct ShiftedClock {
    library: PathBuf,
    file: PathBuf,
}

/// The library, if it is installed.
pub(super) fn library() -> Option<PathBuf> {
    let directories = fs::read_dir(LIBRARIES).ok()?.flatten();
    directories
        .map(|entry| entry.path().join(LIBRARY))
        .find(|path| path.is_file())
}

impl ShiftedClock {
    /// One that is right for now. `file` is where the process looks.
    pub(super) fn right(library: PathBuf, file: PathBuf) -> Result<Self> {
        let clock = Self { library, file };
        clock.jump(0)?;
        Ok(clock)
    }

    /// From now on it is so many seconds ahead, or behind.
    pub(super) fn jump(&self, seconds: i64) -> Result<()> {
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{seconds:+}\n"))
            .and_then(|()| fs::rename(&next, &self.file))
            .with_context(|| format!("cannot write {}", self.file.display()))
    }

    /// What its process must be started with.
    pub(super) fn environment(&self) -> [(&'static str, &Path); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", &self.file),
            ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
            // Seconds after which the file is read again.
            ("FAKETIME_CACHE_DURATION", Path::new("1")),
        ]
    }
}
