//! All attempts, with everything that repeats stored once: about 100 bytes an attempt, 150 a command and a stream.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use domain::{CommandId, StreamId};
use uuid::Uuid;

use super::super::error::VerifyError;
use super::super::finding::{Code, Finding};
use super::line::{AttemptLine, Outcome};

/// An attempt, with indexes into [`Attempts`] for what repeats.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) command: usize,
    pub(crate) stream: Option<usize>,
    client: u32,
    content: u32,
    line: u64,
    pub(crate) started: u64,
    pub(crate) ended: u64,
    pub(crate) expected: Option<u64>,
    pub(crate) outcome: Ending,
}

/// How an attempt ended, without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Done { revision: u64, replayed: bool },
    Nothing { revision: Option<u64> },
    Refused { is_final: bool },
    Conflict { current: Option<u64> },
    NotApplied,
    Unknown,
}

/// A command: what its client means by one thing to be done.
#[derive(Debug, Clone)]
pub(crate) struct ClientCommand {
    pub(crate) id: CommandId,
    /// Indexes of its attempts, in the order of their ends.
    pub(crate) attempts: Vec<usize>,
}

/// The whole clients' log.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) all: Vec<Attempt>,
    pub(crate) commands: Vec<ClientCommand>,
    pub(crate) streams: Vec<StreamId>,
    command_of: HashMap<Uuid, usize>,
    stream_of: HashMap<StreamId, usize>,
    clients: Names,
    contents: Names,
}

/// Texts that repeat.
#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    index: HashMap<String, u32>,
}

impl Names {
    fn index(&mut self, name: String) -> u32 {
        if let Some(index) = self.index.get(&name) {
            return *index;
        }
        let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(name.clone());
        self.index.insert(name, index);
        index
    }

    fn name(&self, index: u32) -> &str {
        self.all.get(index as usize).map_or("", String::as_str)
    }
}

impl Attempts {
    /// Reads the files, in the order in which they are given.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, VerifyError> {
        let mut attempts = Self::default();
        for path in paths {
            attempts.read_file(path)?;
        }
        Ok(attempts)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), VerifyError> {
        let unreadable = |source| VerifyError::ClientsUnreadable {
            path: path.to_owned(),
            source,
        };
        let file = BufReader::new(File::open(path).map_err(unreadable)?);
        for (line, number) in file.lines().zip(1..) {
            let line = line.map_err(unreadable)?;
            if line.trim().is_empty() {
                continue;
            }
            let broken = |reason: String| VerifyError::ClientsBroken {
                path: path.to_owned(),
                line: number,
                reason,
            };
            let line: AttemptLine = serde_json::from_str(&line).map_err(|error| broken(error.to_string()))?;
            if line.ended_at < line.started_at {
                return Err(broken("it ended before it started".to_owned()));
            }
            self.add(line);
        }
        Ok(())
    }

    /// Adds one attempt.
    pub(crate) fn add(&mut self, line: AttemptLine) {
        let stream = line.stream.map(|stream| self.stream_index(&stream));
        let index = self.all.len();
        let command = self.command_index(line.command_id.scoped(line.principal), line.command_id);
        if let Some(command) = self.commands.get_mut(command) {
            command.attempts.push(index);
        }
        self.all.push(Attempt {
            command,
            stream,
            client: self.clients.index(line.client),
            content: self.contents.index(line.content_hash),
            line: index as u64 + 1,
            started: line.started_at,
            ended: line.ended_at,
            expected: line.expected_revision,
            outcome: ending(&line.outcome),
        });
    }

    fn command_index(&mut self, scoped: Uuid, id: CommandId) -> usize {
        let next = self.commands.len();
        let index = *self.command_of.entry(scoped).or_insert(next);
        if index == next {
            self.commands.push(ClientCommand {
                id,
                attempts: Vec::new(),
            });
        }
        index
    }

    /// The index of a stream, also of one that no attempt names.
    pub(crate) fn stream_index(&mut self, stream: &StreamId) -> usize {
        if let Some(index) = self.stream_of.get(stream) {
            return *index;
        }
        let index = self.streams.len();
        self.streams.push(stream.clone());
        self.stream_of.insert(stream.clone(), index);
        index
    }

    /// The stream, if any attempt names it.
    pub(crate) fn known_stream(&self, stream: &StreamId) -> Option<usize> {
        self.stream_of.get(stream).copied()
    }

    /// The command, if it is a client's.
    pub(crate) fn known_command(&self, scoped: Uuid) -> Option<usize> {
        self.command_of.get(&scoped).copied()
    }

    pub(crate) fn stream_name(&self, index: usize) -> &str {
        self.streams.get(index).map_or("", StreamId::as_str)
    }

    /// The attempts of a command.
    pub(crate) fn of<'a>(&'a self, command: &'a ClientCommand) -> impl Iterator<Item = &'a Attempt> + Clone {
        command.attempts.iter().filter_map(|index| self.all.get(*index))
    }

    /// A finding about an attempt.
    pub(crate) fn finding(&self, code: Code, attempt: &Attempt, sentence: String) -> Finding {
        let mut finding = Finding::new(code, sentence);
        finding.place.client = Some(self.clients.name(attempt.client).to_owned());
        finding.place.line = Some(attempt.line);
        finding.place.stream = attempt.stream.map(|stream| self.stream_name(stream).to_owned());
        finding.place.command_id = self
            .commands
            .get(attempt.command)
            .map(|command| command.id.as_str().to_owned());
        finding
    }
}

impl Attempt {
    /// Do both ask for the same?
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.content == other.content
    }

    /// May it be the one that put its command into the log?
    pub(crate) fn may_have_happened(&self) -> bool {
        matches!(self.outcome, Ending::Done { .. } | Ending::Unknown)
    }
}

fn ending(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Done { revision, replayed } => Ending::Done {
            revision: *revision,
            replayed: *replayed,
        },
        Outcome::Nothing { revision } => Ending::Nothing { revision: *revision },
        Outcome::Refused { is_final, .. } => Ending::Refused { is_final: *is_final },
        Outcome::Conflict { current_revision } => Ending::Conflict {
            current: *current_revision,
        },
        Outcome::NotApplied { .. } => Ending::NotApplied,
        Outcome::Unknown { .. } => Ending::Unknown,
    }
}
