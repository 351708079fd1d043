//! Runs the parts of a process as named tasks that live and end together.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;

use super::Shutdown;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The time for all tasks to finish: a process must be gone 10 s after SIGTERM, or its platform kills it.
const GRACE: Duration = Duration::from_secs(10);

/// Why a supervised process did not end well.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// A task returned an error, and the others were asked to stop.
    #[error("task {task} failed")]
    Failed {
        /// The task.
        task: &'static str,
        /// Its error.
        source: BoxError,
    },
    /// A task panicked, and the others were asked to stop.
    #[error("task {task} panicked")]
    Panicked {
        /// The task.
        task: &'static str,
    },
    /// Tasks were still running when the time to finish was over; they were aborted.
    #[error("tasks did not finish in time: {}", tasks.join(", "))]
    Unfinished {
        /// The tasks, sorted.
        tasks: Vec<&'static str>,
    },
}

/// Spawns named tasks, ends all when one fails, and waits a bounded time for all to finish.
#[derive(Debug)]
pub struct Supervisor {
    shutdown: Shutdown,
    grace: Duration,
    tasks: JoinSet<Result<(), BoxError>>,
    names: HashMap<Id, &'static str>,
}

impl Supervisor {
    /// A supervisor whose tasks are asked to stop through `shutdown`.
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            grace: GRACE,
            tasks: JoinSet::new(),
            names: HashMap::new(),
        }
    }

    /// Another time to finish than 10 s.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Starts a task. One that returns `Ok` before shutdown has done its work; the others go on.
    pub fn spawn<F, E>(&mut self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let handle = self.tasks.spawn(async move { task.await.map_err(Into::into) });
        self.names.insert(handle.id(), name);
    }

    /// Waits until all tasks have ended, at most the time to finish after shutdown was asked for.
    pub async fn run(mut self) -> Result<(), SupervisorError> {
        let mut first_failure = None;
        while first_failure.is_none() && !self.shutdown.is_requested() {
            let ended = tokio::select! {
                () = self.shutdown.requested() => break,
                ended = self.tasks.join_next_with_id() => ended,
            };
            let Some(ended) = ended else { return Ok(()) };
            first_failure = self.failure_of(ended);
        }
        self.shutdown.trigger();
        if timeout(self.grace, self.drain(&mut first_failure)).await.is_err() {
            let mut tasks: Vec<_> = self.names.values().copied().collect();
            tasks.sort_unstable();
            let unfinished = SupervisorError::Unfinished { tasks };
            tracing::error!(error = %unfinished, "aborting tasks");
            // The first failure is the cause; what hung because of it is only logged.
            first_failure.get_or_insert(unfinished);
        }
        first_failure.map_or(Ok(()), Err)
    }

    async fn drain(&mut self, first_failure: &mut Option<SupervisorError>) {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let Some(failure) = self.failure_of(ended) else {
                continue;
            };
            if first_failure.is_none() {
                *first_failure = Some(failure);
            } else {
                tracing::warn!(error = %failure, "task ended badly during shutdown");
            }
        }
    }

    fn failure_of(&mut self, ended: Result<(Id, Result<(), BoxError>), JoinError>) -> Option<SupervisorError> {
        match ended {
            Ok((id, outcome)) => {
                let task = self.name_of(id);
                outcome.err().map(|source| SupervisorError::Failed { task, source })
            }
            Err(error) => Some(SupervisorError::Panicked {
                task: self.name_of(error.id()),
            }),
        }
    }

    fn name_of(&mut self, id: Id) -> &'static str {
        self.names.remove(&id).unwrap_or("unnamed")
    }
}
