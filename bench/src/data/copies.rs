//! Which commands there are to send: the n-th copy of a history is the same history under another name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use domain::StreamId;
use replay_tools::import::CommandName;
use replay_tools::import::commit::HistoryCommit;
use replay_tools::import::mapping::{CommitMapper, MappedCommand};
use replay_tools::import::source::HistorySource;
use uuid::Uuid;

/// Commits that become one piece of a request.
const COMMITS_A_PIECE: usize = 64;

/// Histories to be replicated, whole in memory: one of 14,000 commits takes some megabytes.
#[derive(Debug, Clone)]
pub struct Histories(Vec<History>);

#[derive(Debug, Clone)]
struct History {
    commits: Arc<[HistoryCommit]>,
    name: String,
    /// As many in each copy: conversations follow from scope and month.
    commands: u64,
}

/// A history, or the beginning of it, as that of another repository.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    commits: Arc<[HistoryCommit]>,
    repository: String,
    /// Of its commands the first so many are wanted. Each causes one event.
    commands: u64,
}

impl Histories {
    /// Reads files as `coding-agent import git` takes them.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        ensure!(
            !files.is_empty(),
            "no history is given; the project has one in samples/"
        );
        let read = |file: &PathBuf| {
            let context = || format!("the history {} cannot be used", file.display());
            History::read(file).with_context(context)
        };
        files.iter().map(read).collect::<Result<_>>().map(Self)
    }

    /// Events of one copy of each.
    pub fn events_a_round(&self) -> u64 {
        self.0.iter().map(|history| history.commands).sum()
    }

    /// As many copies as have `events` events together, the last one cut; the histories take turns.
    pub(super) fn copies(&self, events: u64) -> Vec<Copy> {
        let mut copies = Vec::new();
        let mut left = events;
        for round in 1_u64.. {
            for history in &self.0 {
                if left == 0 {
                    return copies;
                }
                let commands = history.commands.min(left);
                left -= commands;
                copies.push(Copy {
                    commits: history.commits.clone(),
                    repository: format!("{}-copy-{round}", history.name),
                    commands,
                });
            }
        }
        copies
    }
}

impl History {
    fn read(file: &Path) -> Result<Self> {
        let mut commits = Vec::new();
        for entry in HistorySource::at(file)?.read(None)? {
            let entry = entry?;
            commits.push(entry.commit.with_context(|| format!("line {}", entry.line))?);
        }
        let name = commits.first().map(|commit| commit.repo.clone());
        let whole = Copy {
            commits: commits.into(),
            repository: name.context("it has no commits")?,
            commands: u64::MAX,
        };
        let mut commands = 0;
        for piece in whole.mapped() {
            commands += piece?.len() as u64;
        }
        Ok(Self {
            commits: whole.commits,
            name: whole.repository,
            commands,
        })
    }
}

impl Copy {
    /// The name of the repository that it is the history of.
    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    /// Events that it causes.
    pub(super) fn events(&self) -> u64 {
        self.commands
    }

    /// Its commands in order, some in each piece, as lines of JSON.
    pub(super) fn lines(&self) -> impl Iterator<Item = Result<Bytes>> + Send + use<> {
        self.mapped().map(|piece| {
            let lines: Vec<Bytes> = piece?.into_iter().map(|command| command.json).collect();
            Ok(Bytes::from(lines.concat()))
        })
    }

    /// Its streams.
    pub(super) fn streams(&self) -> Result<Vec<StreamId>> {
        let mut streams = Vec::new();
        for piece in self.mapped() {
            streams.extend(piece?.iter().filter_map(|command| match command.name {
                CommandName::StartConversation => Some(StreamId::of("conversation", command.target)),
                CommandName::CreateTask => Some(StreamId::of("task", command.target)),
                _ => None,
            }));
        }
        Ok(streams)
    }

    /// Maps some commits at a time, until there are enough commands.
    fn mapped(&self) -> impl Iterator<Item = Result<Vec<MappedCommand>>> + Send + use<> {
        let (commits, repository) = (self.commits.clone(), self.repository.clone());
        let (mut mapper, mut next, mut left) = (CommitMapper::default(), 0, self.commands);
        std::iter::from_fn(move || {
            let mut commands = Vec::new();
            for commit in commits.iter().skip(next).take(COMMITS_A_PIECE) {
                next += 1;
                if let Err(error) = mapper.map(next as u64, &renamed(commit, &repository), &mut commands) {
                    return Some(Err(error.into()));
                }
            }
            commands.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= commands.len() as u64;
            (!commands.is_empty()).then_some(Ok(commands))
        })
    }
}

/// The name of the repository is in everything that ids derive from, except in who wrote the commit.
fn renamed(commit: &HistoryCommit, repository: &str) -> HistoryCommit {
    HistoryCommit {
        repo: repository.to_owned(),
        author: Uuid::new_v5(&commit.author, repository.as_bytes()),
        ..commit.clone()
    }
}
