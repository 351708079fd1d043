//! The thread that reads the history and gives its commands to the lanes.

use std::sync::Arc;

use crate::ToolError;
use crate::import::mapping::{CommitMapper, MappedCommand};
use crate::import::rejects::RejectsFile;
use crate::import::sending::Tally;
use crate::import::source::HistorySource;

/// What one reading needs.
pub(crate) struct Feed {
    pub(crate) source: HistorySource,
    pub(crate) repository: Option<String>,
    pub(crate) limit: Option<u64>,
    pub(crate) skip_bad: bool,
    pub(crate) tally: Arc<Tally>,
    pub(crate) rejects: Arc<RejectsFile>,
}

impl Feed {
    /// Gives command after command to `put`, in order, until the history ends or `put` takes no more.
    pub(crate) fn run(self, mut put: impl FnMut(MappedCommand) -> bool) -> Result<(), ToolError> {
        let (mut mapper, mut commands, mut left) =
            (CommitMapper::default(), Vec::new(), self.limit.unwrap_or(u64::MAX));
        let mut reader = self.source.read(self.repository.as_deref())?;
        while left > 0
            && let Some(entry) = reader.next().transpose()?
        {
            let commit = match entry.commit {
                Ok(commit) => commit,
                Err(bad) if self.skip_bad => {
                    Tally::add(&self.tally.bad_lines, 1);
                    self.rejects.write_bad_line(entry.line, &bad.0, &entry.text)?;
                    continue;
                }
                Err(bad) => {
                    let path = self.source.path().to_owned();
                    return Err(ToolError::BrokenLine {
                        path,
                        line: entry.line,
                        reason: bad.0,
                    });
                }
            };
            left -= 1;
            mapper
                .map(entry.line, &commit, &mut commands)
                .map_err(|_| ToolError::Crashed { part: "JSON writer" })?;
            Tally::add(&self.tally.commits_read, 1);
            for command in commands.drain(..) {
                Tally::add(&self.tally.commands, 1);
                if !put(command) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}
