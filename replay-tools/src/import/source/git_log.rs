//! A history as a repository: the output of `git log`, read while git writes it.

use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;

use chrono::{DateTime, Utc};

use crate::ToolError;
use crate::import::commit::{BadCommit, HistoryCommit};
use crate::import::source::HistoryEntry;
use crate::import::source::bounded::{Piece, read_piece};
use crate::import::source::git_process::{GitProcess, origin};
use crate::import::{conventional, identity, text};

/// More of one message or path is skipped.
const FIELD_MAX_BYTES: usize = 1024 * 1024;
const BODY_MAX_CHARACTERS: u64 = 8_000;
/// Trailers that name people by their mail address, which a history must not spread: it knows authors as UUIDs.
const IDENTITY_TRAILERS: [&str; 2] = ["co-authored-by:", "signed-off-by:"];

/// The commits that `HEAD` reaches, parents before children.
pub struct GitLog {
    path: PathBuf,
    repository: String,
    process: GitProcess,
    output: BufReader<ChildStdout>,
    field: Vec<u8>,
    line: u64,
    ended: bool,
}

impl GitLog {
    pub(super) fn open(path: &Path, repository: Option<&str>) -> Result<Self, ToolError> {
        let repository = repository.map_or_else(|| repository_name(path), str::to_owned);
        let (process, output) = GitProcess::start_log(path)?;
        let output = BufReader::with_capacity(128 * 1024, output);
        Ok(Self {
            path: path.to_owned(),
            repository,
            process,
            output,
            field: Vec::new(),
            line: 0,
            ended: false,
        })
    }

    /// Reads one commit: five fields between NULs, then one line for each file, up to the NUL that begins the next one.
    fn entry(&mut self) -> io::Result<Option<HistoryEntry>> {
        // The NUL that begins a record: only blank space can come before it.
        let begin = read_piece(&mut self.output, 0, FIELD_MAX_BYTES, &mut self.field)?;
        if begin == Piece::End || self.output.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let (sha, at, email) = (self.text()?, self.text()?, self.text()?);
        let (subject, body) = (self.text()?, self.text()?);
        let (files_changed, lines_added, lines_removed) = self.numbers()?;
        self.line += 1;
        let commit = parse_time(&at).and_then(|at| {
            let (commit_type, scope) = conventional::parse(&subject);
            let (repo, author, body) = (self.repository.clone(), identity::author(&email), body_text(&body));
            let numbers = (files_changed, lines_added, lines_removed);
            let (files_changed, lines_added, lines_removed) = numbers;
            let commit = HistoryCommit {
                repo,
                sha: sha.clone(),
                at,
                author,
                subject,
                body,
                files_changed,
                lines_added,
                lines_removed,
                commit_type,
                scope,
            };
            commit.checked(None)
        });
        let text = if commit.is_err() { sha } else { String::new() };
        Ok(Some(HistoryEntry {
            line: self.line,
            commit,
            text,
        }))
    }

    fn text(&mut self) -> io::Result<String> {
        match read_piece(&mut self.output, 0, FIELD_MAX_BYTES, &mut self.field)? {
            Piece::End => Err(io::ErrorKind::UnexpectedEof.into()),
            Piece::Whole | Piece::Cut => Ok(String::from_utf8_lossy(&self.field).into_owned()),
        }
    }

    /// Files, lines added and lines removed. Git quotes line feeds in paths, so a line is a file.
    fn numbers(&mut self) -> io::Result<(u64, u64, u64)> {
        let (mut files, mut added, mut removed) = (0_u64, 0_u64, 0_u64);
        while self.output.fill_buf()?.first().is_some_and(|next| *next != 0) {
            read_piece(&mut self.output, b'\n', FIELD_MAX_BYTES, &mut self.field)?;
            let mut columns = self.field.splitn(3, |byte| *byte == b'\t');
            let (Some(plus), Some(minus), Some(_path)) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            files += 1;
            added = added.saturating_add(number(plus));
            removed = removed.saturating_add(number(minus));
        }
        Ok((files, added, removed))
    }
}

impl Iterator for GitLog {
    type Item = Result<HistoryEntry, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.entry();
        if let Ok(Some(entry)) = read {
            return Some(Ok(entry));
        }
        self.ended = true;
        // When the output ends early, what git says about it is the better reason.
        match (self.process.finish(&self.path), read) {
            (Err(failure), _) => Some(Err(failure)),
            (Ok(()), Err(source)) => Some(Err(ToolError::Unreadable {
                path: self.path.clone(),
                source,
            })),
            (Ok(()), Ok(_)) => None,
        }
    }
}

/// A binary file has `-` for both numbers and counts as a file without lines.
fn number(digits: &[u8]) -> u64 {
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

fn parse_time(text: &str) -> Result<DateTime<Utc>, BadCommit> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|_| BadCommit(format!("the author's time `{text}` is not a time")))
}

fn body_text(body: &str) -> String {
    let is_identity = |line: &str| {
        let line = line.trim_start();
        IDENTITY_TRAILERS.iter().any(|trailer| {
            line.get(..trailer.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(trailer))
        })
    };
    let kept: Vec<&str> = body.lines().filter(|line| !is_identity(line)).collect();
    text::cut(kept.join("\n").trim(), BODY_MAX_CHARACTERS).to_owned()
}

/// `owner/name` of the remote, else the name of the folder.
fn repository_name(path: &Path) -> String {
    let remote = origin(path).filter(|url| url.contains("://") || url.contains('@'));
    if let Some(url) = remote {
        let mut parts = url.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']);
        if let (Some(name), Some(owner)) = (parts.next(), parts.next())
            && !name.is_empty()
            && !owner.is_empty()
        {
            return format!("{owner}/{name}");
        }
    }
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = if full.ends_with(".git") {
        full.parent().unwrap_or(&full)
    } else {
        &full
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.strip_suffix(".git").map_or(name.clone(), str::to_owned)
}
