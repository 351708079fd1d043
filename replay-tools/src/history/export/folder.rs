//! The folder of an export: one writer at a time, and nothing of anybody else.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::ExportError;

const LOCK: &str = ".lock";

/// Keeps other writers out until it is dropped, also when the process is killed.
pub(super) struct FolderLock {
    _file: File,
}

/// Makes the folder when it is missing, and refuses one that is used for something else.
pub(super) fn take(directory: &Path) -> Result<FolderLock, ExportError> {
    fs::create_dir_all(directory).map_err(ExportError::file(directory))?;
    let is_ours = directory.join("manifest.json").exists() || directory.join(LOCK).exists();
    let mut entries = fs::read_dir(directory).map_err(ExportError::file(directory))?;
    if !is_ours && entries.next().is_some() {
        return Err(ExportError::NotOurs {
            path: directory.to_owned(),
        });
    }
    let path = directory.join(LOCK);
    let file = File::create(&path).map_err(ExportError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(ExportError::Busy {
            path: directory.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(ExportError::file(&path)(error)),
    }
}
