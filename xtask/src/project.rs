//! Where things are in this working copy.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Everything that running and testing leaves behind.
pub(crate) fn dev_directory() -> PathBuf {
    root().join(".dev")
}

/// The history that `up` imports.
pub(crate) fn sample() -> PathBuf {
    root().join("samples/svix__svix-webhooks.jsonl.gz")
}

/// Cargo, in the root of the repository.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}
