//! A history as a `.jsonl` or `.jsonl.gz` file: one commit a line.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::ToolError;
use crate::import::commit::{BadCommit, HistoryCommit};
use crate::import::source::HistoryEntry;
use crate::import::source::bounded::{Piece, read_piece};

/// A commit with the longest texts that are kept needs far less.
const LINE_MAX_BYTES: usize = 4 * 1024 * 1024;
/// So much of a bad line goes into the rejects file.
const REJECT_MAX_CHARACTERS: usize = 16 * 1024;
const READ_BUFFER_BYTES: usize = 128 * 1024;

/// The lines of one file.
pub struct JsonLines {
    path: PathBuf,
    input: Box<dyn BufRead + Send>,
    repository: Option<String>,
    line: u64,
    buffer: Vec<u8>,
    ended: bool,
}

/// Counts lines that are not blank; a damaged file is counted as far as it can be read, reading it will tell.
pub(super) fn count(path: &Path) -> Result<u64, ToolError> {
    let mut input = open(path)?;
    let (mut count, mut buffer) = (0, Vec::new());
    while let Ok(piece) = read_piece(&mut input, b'\n', LINE_MAX_BYTES, &mut buffer) {
        if piece == Piece::End {
            break;
        }
        count += u64::from(!buffer.trim_ascii().is_empty());
    }
    Ok(count)
}

impl JsonLines {
    pub(super) fn open(path: &Path, repository: Option<&str>) -> Result<Self, ToolError> {
        Ok(Self {
            path: path.to_owned(),
            input: open(path)?,
            repository: repository.map(str::to_owned),
            line: 0,
            buffer: Vec::new(),
            ended: false,
        })
    }

    fn entry(&self, piece: Piece) -> HistoryEntry {
        let commit = match piece {
            Piece::Cut => Err(BadCommit(format!("the line is longer than {LINE_MAX_BYTES} bytes"))),
            Piece::Whole | Piece::End => {
                HistoryCommit::from_json(&self.buffer).and_then(|commit| commit.checked(self.repository.as_deref()))
            }
        };
        let text = match &commit {
            Ok(_) => String::new(),
            Err(_) => String::from_utf8_lossy(&self.buffer)
                .chars()
                .take(REJECT_MAX_CHARACTERS)
                .collect(),
        };
        HistoryEntry {
            line: self.line,
            commit,
            text,
        }
    }
}

impl Iterator for JsonLines {
    type Item = Result<HistoryEntry, ToolError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match read_piece(&mut self.input, b'\n', LINE_MAX_BYTES, &mut self.buffer) {
                Ok(Piece::End) => self.ended = true,
                Ok(piece) => {
                    self.line += 1;
                    if !self.buffer.trim_ascii().is_empty() {
                        return Some(Ok(self.entry(piece)));
                    }
                }
                Err(source) => {
                    self.ended = true;
                    return Some(Err(ToolError::Unreadable {
                        path: self.path.clone(),
                        source,
                    }));
                }
            }
        }
        None
    }
}

fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, ToolError> {
    let file = File::open(path).map_err(|source| ToolError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let file = BufReader::with_capacity(READ_BUFFER_BYTES, file);
    if path.extension().is_some_and(|extension| extension == "gz") {
        Ok(Box::new(BufReader::with_capacity(
            READ_BUFFER_BYTES,
            MultiGzDecoder::new(file),
        )))
    } else {
        Ok(Box::new(file))
    }
}
