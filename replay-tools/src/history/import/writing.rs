//! Writing old commits anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::StreamId;
use event_store::{Basis, Commit, CommitOutcome, CommittedCommand, EventStore, NewEvent, StoreError};
use futures::future::join_all;
use sqlx::PgPool;
use uuid::Uuid;

use super::PATIENCE;
use super::batches::OldCommit;
use super::known::Known;
use crate::history::export::ExportError;

/// Streams whose newest state is remembered; the others are loaded.
const REMEMBERED: usize = 100_000;
/// Until a log that has no room, or is away, is asked again.
const REST: Duration = Duration::from_millis(200);

/// Writes commits through the store, each on the state that it was decided on.
pub(super) struct Writer {
    store: Arc<dyn EventStore>,
    known: Known,
    bases: HashMap<StreamId, Basis>,
    commits: u64,
}

/// Where a stream stands, as one old commit sees it.
enum Standing {
    /// The commit comes next.
    Before(Basis),
    /// It is there: an attempt whose outcome was unknown was accepted.
    After(Basis),
}

impl Writer {
    pub(super) fn new(store: Arc<dyn EventStore>, known: Known) -> Self {
        Self {
            store,
            known,
            bases: HashMap::new(),
            commits: 0,
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// Returns when all of the batch is in the log.
    pub(super) async fn write(&mut self, batch: Vec<OldCommit>, pool: &PgPool) -> Result<(), ExportError> {
        let mut waiting = self.known.strip(batch, pool).await?;
        let mut progress = Instant::now();
        while !waiting.is_empty() {
            let before = waiting.len();
            let problem;
            (waiting, problem) = self.attempt(waiting).await?;
            if waiting.len() < before {
                progress = Instant::now();
            }
            if let Some(problem) = problem {
                if progress.elapsed() > PATIENCE {
                    return Err(ExportError::GaveUp {
                        seconds: PATIENCE.as_secs(),
                        reason: problem.to_string(),
                    });
                }
                tokio::time::sleep(REST).await;
            }
        }
        Ok(())
    }

    /// Tries each once, all at once and in their order; those that are not in yet, and what stood in the way.
    async fn attempt(&mut self, commits: Vec<OldCommit>) -> Result<(Vec<OldCommit>, Option<StoreError>), ExportError> {
        let standings = join_all(commits.iter().map(|commit| self.standing(commit))).await;
        let (mut ready, mut waiting, mut problem) = (Vec::new(), Vec::new(), None);
        for (commit, standing) in commits.into_iter().zip(standings) {
            match standing {
                Ok(Standing::Before(basis)) => ready.push((commit, basis)),
                Ok(Standing::After(basis)) => self.remember(&commit, basis),
                Err(ExportError::Store(error)) if is_passing(&error) => {
                    problem = Some(error);
                    waiting.push(commit);
                }
                Err(error) => return Err(error),
            }
        }
        let sent = ready.iter().filter_map(|(commit, basis)| {
            let stream = &commit.first()?.stream;
            Some(self.store.commit(renewed(stream, commit, *basis)))
        });
        let outcomes = join_all(sent).await;
        for ((commit, _), outcome) in ready.into_iter().zip(outcomes) {
            match outcome {
                Ok(CommitOutcome::Accepted(receipt)) => {
                    self.commits += 1;
                    self.remember(&commit, receipt.basis);
                }
                Ok(CommitOutcome::Void) => {
                    self.forget(&commit);
                    problem = problem.or(Some(StoreError::Unavailable {
                        reason: "somebody else writes to the log".to_owned(),
                    }));
                    waiting.push(commit);
                }
                Err(error) if is_passing(&error) => {
                    self.forget(&commit);
                    problem = Some(error);
                    waiting.push(commit);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok((waiting, problem))
    }

    async fn standing(&self, commit: &OldCommit) -> Result<Standing, ExportError> {
        let Some((first, last)) = commit.first().zip(commit.last()) else {
            return Err(StoreError::Invalid("a commit of the export has no event").into());
        };
        let expected = first.revision.checked_sub(1);
        if let Some(basis) = self.bases.get(&first.stream).filter(|basis| basis.revision == expected) {
            return Ok(Standing::Before(*basis));
        }
        let loaded = self.store.load_after(&first.stream, None).await?;
        if loaded.basis.revision == expected {
            return Ok(Standing::Before(loaded.basis));
        }
        let is_there = commit.iter().all(|event| {
            let place = usize::try_from(event.revision).unwrap_or(usize::MAX);
            loaded.events.get(place).is_some_and(|there| there.id == event.id)
        });
        if is_there && loaded.basis.revision == Some(last.revision) {
            return Ok(Standing::After(loaded.basis));
        }
        Err(ExportError::NotEmpty {
            events: self.known.events(),
            strange: format!("somebody else writes to stream {}", first.stream),
        })
    }

    fn remember(&mut self, commit: &OldCommit, basis: Basis) {
        if self.bases.len() >= REMEMBERED {
            self.bases.clear();
        }
        if let Some(event) = commit.first() {
            self.bases.insert(event.stream.clone(), basis);
        }
    }

    fn forget(&mut self, commit: &OldCommit) {
        if let Some(event) = commit.first() {
            self.bases.remove(&event.stream);
        }
    }
}

/// Is it worth another try?
fn is_passing(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Backpressure { .. } | StoreError::Unavailable { .. } | StoreError::OutcomeUnknown { .. }
    )
}

/// The same commit, to be appended on `basis`: the same commands with the same events.
fn renewed(stream: &StreamId, commit: &OldCommit, basis: Basis) -> Commit {
    let commands = commit
        .chunk_by(|before, next| before.metadata == next.metadata)
        .filter_map(|events| {
            Some(CommittedCommand {
                stamp: events.first()?.metadata.clone(),
                events: events
                    .iter()
                    .map(|event| NewEvent {
                        id: event.id,
                        event_type: event.event_type.clone(),
                        time: event.time,
                        data: event.data.clone(),
                    })
                    .collect(),
            })
        });
    Commit {
        // Of this attempt.
        id: Uuid::new_v4(),
        stream: stream.clone(),
        basis,
        commands: commands.collect(),
    }
}
