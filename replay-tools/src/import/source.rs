//! Where commits come from. Both sources are read as a stream: a history need not fit into memory.

mod bounded;
mod git_log;
mod git_process;
mod json_lines;

use std::path::{Path, PathBuf};

use crate::ToolError;
use crate::import::commit::{BadCommit, HistoryCommit};

use git_log::GitLog;
use json_lines::JsonLines;

/// A history that can be read.
#[derive(Debug, Clone)]
pub struct HistorySource {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    JsonLines,
    Git,
}

/// One place in a history.
#[derive(Debug)]
pub struct HistoryEntry {
    /// Counted from 1: the line of the file, or the number of the commit.
    pub line: u64,
    /// What is there.
    pub commit: Result<HistoryCommit, BadCommit>,
    /// A bad line as it was found (possibly cut), for the rejects file; empty for a good one.
    pub text: String,
}

/// The entries of one history, oldest first. An error ends it.
pub enum HistoryReader {
    /// Of a `.jsonl` or `.jsonl.gz` file.
    JsonLines(JsonLines),
    /// Of a repository.
    Git(Box<GitLog>),
}

impl HistorySource {
    /// Looks what `path` is.
    pub fn at(path: &Path) -> Result<Self, ToolError> {
        let unreadable = |source| ToolError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        let name = path.to_string_lossy();
        let kind = if metadata.is_dir() {
            Kind::Git
        } else if name.ends_with(".jsonl") || name.ends_with(".jsonl.gz") {
            Kind::JsonLines
        } else {
            return Err(ToolError::UnknownSource { path: path.to_owned() });
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
        })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many entries there are, for a progress bar.
    pub fn count(&self) -> Result<u64, ToolError> {
        match self.kind {
            Kind::JsonLines => json_lines::count(&self.path),
            Kind::Git => git_process::count_commits(&self.path),
        }
    }

    /// Starts reading. `repository` wins over the name that the history gives.
    pub fn read(&self, repository: Option<&str>) -> Result<HistoryReader, ToolError> {
        match self.kind {
            Kind::JsonLines => JsonLines::open(&self.path, repository).map(HistoryReader::JsonLines),
            Kind::Git => GitLog::open(&self.path, repository).map(|log| HistoryReader::Git(Box::new(log))),
        }
    }
}

impl Iterator for HistoryReader {
    type Item = Result<HistoryEntry, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::JsonLines(lines) => lines.next(),
            Self::Git(log) => log.next(),
        }
    }
}
