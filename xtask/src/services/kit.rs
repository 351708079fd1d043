//! Packages of another language that tests and benchmarks use: fetched once, and shared by all working copies of one user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

/// Tests of one process ask for the same kit at the same time; the first fetches, the others wait.
static FETCHING: Mutex<()> = Mutex::new(());

/// The directory that holds them.
#[derive(Debug, Clone)]
pub(super) struct Kit {
    directory: PathBuf,
}

impl Kit {
    /// Where it is, or will be: the variable names its folder, else it is in the cache of the user. The name says what is in it, so that
    /// other versions never meet these.
    pub(super) fn location(variable: &str, name: &str) -> Result<Self> {
        if let Some(directory) = std::env::var_os(variable) {
            return Ok(Self {
                directory: directory.into(),
            });
        }
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
            .with_context(|| format!("HOME is not set, so there is no place for packages: set it, or {variable}"))?;
        Ok(Self {
            directory: cache.join("coding-agent").join(name),
        })
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Fetches it unless it is there. `download` fills a directory beside, which is then renamed: the final name never holds half of the
    /// packages.
    pub(super) fn fetch(&self, what: &str, download: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let _alone = FETCHING.lock().unwrap_or_else(PoisonError::into_inner);
        if self.directory.is_dir() {
            return Ok(());
        }
        eprintln!("fetching {what} into {}", self.directory.display());
        let name = self.directory.file_name().context("a kit has a directory of its own")?;
        let part = self
            .directory
            .with_file_name(format!("{}.part-{}", name.to_string_lossy(), std::process::id()));
        fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        let fetched = download(&part).and_then(|()| {
            let renamed = fs::rename(&part, &self.directory);
            // Somebody else may have been faster; theirs are the same.
            if self.directory.is_dir() {
                return Ok(());
            }
            renamed.with_context(|| format!("cannot make {}", self.directory.display()))
        });
        if part.exists() {
            fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
        }
        fetched
    }
}

/// Runs a program that must succeed. `install` names what it comes with.
pub(super) fn run(command: &mut Command, install: &str) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot start {program}: install {install}"))?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
