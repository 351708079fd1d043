//! The directory that holds data, log and pid file. It is the one asked for, except where the server's account cannot
//! reach that (root's home, a private temporary directory): then it is one under `/var/tmp`, named in a file `location`.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::super::process::RecordedProcess;
use super::account::Account;
use super::pid_file;

/// Survives a restart of the machine, unlike most other directories that everybody reaches.
const ELSEWHERE: &str = "/var/tmp";
const PREFIX: &str = "coding-agent-postgres-";
/// In `directory`: where its data really is.
const LOCATION: &str = "location";
/// In the directory elsewhere: for which directory it stands.
const STANDS_FOR: &str = "stands-for";

/// Makes or finds the home of `directory`.
pub(super) fn open(directory: &Path, account: Option<Account>) -> Result<PathBuf> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let directory = directory
        .canonicalize()
        .with_context(|| format!("cannot resolve {}", directory.display()))?;
    let Some(account) = account else { return Ok(directory) };
    if let Some(home) = existing_elsewhere(&directory) {
        return Ok(home);
    }
    if account.reaches(&directory) {
        account.own(&directory)?;
        return Ok(directory);
    }
    sweep(account);
    let nonce = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let home = Path::new(ELSEWHERE).join(format!("{PREFIX}{}-{nonce}", std::process::id()));
    DirBuilder::new()
        .mode(0o700)
        .create(&home)
        .with_context(|| format!("cannot make {}", home.display()))?;
    fs::write(home.join(STANDS_FOR), directory.to_string_lossy().as_bytes()).context("cannot write its owner")?;
    account.own(&home)?;
    fs::write(directory.join(LOCATION), home.to_string_lossy().as_bytes()).context("cannot write its location")?;
    eprintln!(
        "PostgreSQL's account cannot reach {}, so its data is in {}",
        directory.display(),
        home.display()
    );
    Ok(home)
}

/// The home of a directory where a server has been started before.
pub(super) fn existing(directory: &Path) -> Option<PathBuf> {
    let directory = directory.canonicalize().ok()?;
    Some(existing_elsewhere(&directory).unwrap_or(directory))
}

/// Deletes a directory and its home.
pub(super) fn remove(directory: &Path) -> Result<()> {
    let Ok(resolved) = directory.canonicalize() else {
        return Ok(());
    };
    for path in existing_elsewhere(&resolved).iter().chain([&resolved]) {
        fs::remove_dir_all(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

fn existing_elsewhere(directory: &Path) -> Option<PathBuf> {
    let home = PathBuf::from(fs::read_to_string(directory.join(LOCATION)).ok()?);
    stands_for(&home, directory).then_some(home)
}

fn stands_for(home: &Path, directory: &Path) -> bool {
    fs::read_to_string(home.join(STANDS_FOR)).is_ok_and(|text| Path::new(&text) == directory)
}

/// Removes homes elsewhere whose directory has been deleted, such as those of tests in temporary directories.
fn sweep(account: Account) {
    let Ok(entries) = fs::read_dir(ELSEWHERE) else { return };
    for entry in entries.flatten() {
        let home = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !account.owns(&home) {
            continue;
        }
        let Ok(text) = fs::read_to_string(home.join(STANDS_FOR)) else {
            continue;
        };
        if !Path::new(&text).join(LOCATION).exists() && RecordedProcess::find(&pid_file(&home)).is_none() {
            // What cannot be removed now is tried again by the next sweep.
            drop(fs::remove_dir_all(&home));
        }
    }
}
