//! What clients were told, against what happened.
//!
//! [`ClientsCheck::read`] takes the clients' log, [`ClientsCheck::saw`] every accepted command of the log, and
//! [`ClientsCheck::judge`] compares. In memory are the attempts ([`attempts`]) and 40 bytes for each accepted command of the
//! streams that they name.

mod attempts;
pub mod line;
mod order;
mod presence;
mod revisions;

use std::path::PathBuf;

use domain::StreamId;
use serde::Serialize;
use uuid::Uuid;

use super::error::VerifyError;
use super::finding::Findings;
use attempts::{Attempts, Ending};
use line::AttemptLine;

/// A command as it stands in the log: its events lie side by side in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedCommand {
    /// Its stream.
    pub stream: StreamId,
    /// Command id and principal.
    pub scoped: Uuid,
    /// Revision of its first event.
    pub first: u64,
    /// Revision of its last event.
    pub last: u64,
}

/// A place of the log where a client's command happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) stream: usize,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// A revision that a stream had between two commands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached {
    pub(crate) revision: u64,
    /// The client's command that led there; none when it is somebody else's.
    pub(crate) by: Option<usize>,
}

/// What was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientsReport {
    /// Lines of the clients' log.
    pub attempts: u64,
    /// Commands, of which each may have been attempted several times.
    pub commands: u64,
    /// Streams that were named.
    pub streams: u64,
    /// Attempts that were told "done".
    pub done: u64,
    /// Of those, attempts that were told that an earlier one did it.
    pub replayed: u64,
    /// Attempts that had nothing to do.
    pub nothing: u64,
    /// Attempts that a rule refused.
    pub refused: u64,
    /// Attempts that named a revision that was not the stream's.
    pub conflict: u64,
    /// Attempts that were not taken.
    pub not_applied: u64,
    /// Attempts of which nobody knows.
    pub unknown: u64,
    /// Commands that nobody was told are done and that may have happened: how many did.
    pub uncertain_that_happened: u64,
    /// The same: how many did not.
    pub uncertain_that_did_not: u64,
}

/// The clients' log, and what the log of events says about it.
#[derive(Debug, Default)]
pub struct ClientsCheck {
    attempts: Attempts,
    /// By command.
    occurrences: Vec<Vec<Occurrence>>,
    /// By stream, in the order of revisions once [`Self::judge`] has sorted them.
    reached: Vec<Vec<Reached>>,
}

impl ClientsCheck {
    /// Reads files of the clients' log.
    pub fn read(paths: &[PathBuf]) -> Result<Self, VerifyError> {
        Ok(Self::over(Attempts::read(paths)?))
    }

    /// From attempts in memory.
    pub fn of(lines: impl IntoIterator<Item = AttemptLine>) -> Self {
        let mut attempts = Attempts::default();
        for line in lines {
            attempts.add(line);
        }
        Self::over(attempts)
    }

    fn over(attempts: Attempts) -> Self {
        Self {
            occurrences: vec![Vec::new(); attempts.commands.len()],
            reached: vec![Vec::new(); attempts.streams.len()],
            attempts,
        }
    }

    /// Takes note of a command in the log. The order of calls does not matter.
    pub fn saw(&mut self, accepted: &AcceptedCommand) {
        let command = self.attempts.known_command(accepted.scoped);
        if let Some(stream) = self.attempts.known_stream(&accepted.stream)
            && let Some(reached) = self.reached.get_mut(stream)
        {
            reached.push(Reached {
                revision: accepted.last,
                by: command,
            });
        }
        if let Some(command) = command {
            let occurrence = Occurrence {
                stream: self.attempts.stream_index(&accepted.stream),
                first: accepted.first,
                last: accepted.last,
            };
            if let Some(occurrences) = self.occurrences.get_mut(command) {
                occurrences.push(occurrence);
            }
        }
    }

    /// Compares, once everything in the log was seen.
    pub fn judge(mut self, findings: &mut Findings) -> ClientsReport {
        for reached in &mut self.reached {
            reached.sort_unstable_by_key(|reached| reached.revision);
        }
        let mut report = self.counted();
        presence::check(&self, findings, &mut report);
        order::check(&self, findings);
        revisions::check(&self, findings);
        report
    }

    fn occurrences(&self, command: usize) -> &[Occurrence] {
        self.occurrences.get(command).map_or(&[], Vec::as_slice)
    }

    fn counted(&self) -> ClientsReport {
        let mut report = ClientsReport {
            attempts: self.attempts.all.len() as u64,
            commands: self.attempts.commands.len() as u64,
            streams: self.reached.len() as u64,
            ..ClientsReport::default()
        };
        for attempt in &self.attempts.all {
            let count = match attempt.outcome {
                Ending::Done { replayed, .. } => {
                    report.replayed += u64::from(replayed);
                    &mut report.done
                }
                Ending::Nothing { .. } => &mut report.nothing,
                Ending::Refused { .. } => &mut report.refused,
                Ending::Conflict { .. } => &mut report.conflict,
                Ending::NotApplied => &mut report.not_applied,
                Ending::Unknown => &mut report.unknown,
            };
            *count += 1;
        }
        report
    }
}
