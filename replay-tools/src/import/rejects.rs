//! The file that `--skip-bad` writes: what was left out, and why, one JSON object a line.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ToolError;
use crate::import::sending::Refusal;

/// A file that is made when the first reject comes, so that a clean import leaves none behind.
#[derive(Debug)]
pub(crate) struct RejectsFile {
    path: Option<PathBuf>,
    file: Mutex<Option<BufWriter<File>>>,
}

#[derive(Serialize)]
struct BadLine<'a> {
    line: u64,
    reason: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct RefusedCommand<'a> {
    line: u64,
    reason: &'a str,
    code: &'a str,
    command: &'a RawValue,
}

impl RejectsFile {
    /// Without a path, nothing is written.
    pub(crate) const fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            file: Mutex::new(None),
        }
    }

    /// Keeps a line of the history that no command could be made of.
    pub(crate) fn write_bad_line(&self, line: u64, reason: &str, text: &str) -> Result<(), ToolError> {
        self.write(&BadLine { line, reason, text })
    }

    /// Keeps a command that the system said no to.
    pub(crate) fn write_refused(&self, refusal: &Refusal, json: &[u8]) -> Result<(), ToolError> {
        // The JSON is our own and always valid; `null` stands for it if not.
        let command = serde_json::from_slice(json).unwrap_or(RawValue::NULL);
        let Refusal { line, code, detail, .. } = refusal;
        self.write(&RefusedCommand {
            line: *line,
            reason: detail,
            code,
            command,
        })
    }

    /// The file, if anything was written into it; what was written is on its way to the disk afterwards.
    pub(crate) fn finish(&self) -> Result<Option<&Path>, ToolError> {
        let (Some(path), mut file) = (&self.path, self.file.lock().unwrap_or_else(PoisonError::into_inner)) else {
            return Ok(None);
        };
        let Some(file) = file.as_mut() else { return Ok(None) };
        file.flush().map_err(|source| ToolError::RejectsNotWritten {
            path: path.clone(),
            source,
        })?;
        Ok(Some(path))
    }

    fn write(&self, reject: &impl Serialize) -> Result<(), ToolError> {
        let Some(path) = &self.path else { return Ok(()) };
        let not_written = |source| ToolError::RejectsNotWritten {
            path: path.clone(),
            source,
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = match &mut *file {
            Some(writer) => writer,
            closed => closed.insert(BufWriter::new(File::create(path).map_err(not_written)?)),
        };
        serde_json::to_writer(&mut *writer, reject).map_err(|error| not_written(error.into()))?;
        writer.write_all(b"\n").map_err(not_written)
    }
}
