//! The history that comes with the project, whole or cut.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// The history of svix: 3,109 real commits.
pub fn svix() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/svix__svix-webhooks.jsonl.gz")
}

/// The lines of a history.
pub fn lines(history: &Path) -> Vec<String> {
    let mut text = String::new();
    MultiGzDecoder::new(File::open(history).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    text.lines().map(str::to_owned).collect()
}

/// A history of these lines, in a new file of `directory`.
pub fn write(directory: &Path, name: &str, lines: &[String]) -> PathBuf {
    let path = directory.join(format!("{name}.jsonl"));
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}
