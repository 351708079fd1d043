//! The files of the repository, without what is built, fetched or left behind by running it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Hidden directories that hold files of the project.
const HIDDEN: [&str; 2] = [".ci", ".github"];
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// All files, as sorted paths from the root.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        let entries = fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot read {}", directory.display()))?;
            let kind = entry
                .file_type()
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            if kind.is_dir() && is_ours(&entry.file_name().to_string_lossy()) {
                waiting.push(entry.path());
            } else if kind.is_file() {
                files.extend(entry.path().strip_prefix(root).map(Path::to_owned));
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_ours(name: &str) -> bool {
    HIDDEN.contains(&name) || !(name.starts_with('.') || SKIPPED.contains(&name))
}
