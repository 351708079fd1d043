//! The log file of a server: opened for appending, bounded, and quoted in errors.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A log larger than this is set aside at the next start, so that two files of about this size are the most there is.
const LARGEST: u64 = 16 * 1024 * 1024;
/// How much of the end of a log an error quotes.
const TAIL: u64 = 2048;

/// Begins the line that separates the output of one process from that of the one before.
const START: &str = "--- start of ";

/// Opens a log for appending and notes which program starts now; a large one is first renamed to `<name>.previous`.
pub fn open(path: &Path, program: &str) -> Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST) {
        fs::rename(path, previous(path)).with_context(|| format!("cannot set aside {}", path.display()))?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open the log file {}", path.display()))?;
    writeln!(file, "{START}{program}").with_context(|| format!("cannot write the log file {}", path.display()))?;
    Ok(file)
}

/// A sentence for an error: where the log is and how it ends, without what an earlier process wrote.
pub fn quote(path: &Path) -> String {
    let text = tail(path).unwrap_or_default();
    let newest = text
        .rsplit_once(START)
        .map_or(text.as_str(), |(_, after)| after.split_once('\n').unwrap_or_default().1);
    if newest.trim().is_empty() {
        format!("it wrote nothing to its log file {}", path.display())
    } else {
        format!("log file {} ends with:\n{}", path.display(), newest.trim_end())
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn previous(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".previous");
    PathBuf::from(name)
}
