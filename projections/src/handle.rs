//! What others in the process can see of a projector.

use std::collections::BTreeSet;

use event_store::Cut;
use tokio::sync::watch;

/// What a projector is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProjectorState {
    /// It has not read its checkpoint yet.
    #[default]
    Starting,
    /// It follows the log in the partitions that it holds.
    Following,
    /// Other processes hold all partitions; the cut is looked up from time to time.
    Standby,
    /// Something failed and is tried again.
    Retrying {
        /// The stable code of the error.
        code: &'static str,
    },
    /// An error that time cannot mend; nothing moves until a person acts.
    Stopped {
        /// The error with its causes.
        reason: String,
    },
    /// The process ends.
    Ended,
}

/// How far a generation is, as its projector in this process knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GenerationProgress {
    /// The schema; none before it is known.
    pub schema: Option<String>,
    /// What is committed; exact for the partitions that this process holds, for others as of its last look.
    pub cut: Cut,
    /// The partitions that this process writes.
    pub held: BTreeSet<u32>,
    /// What the projector is doing.
    pub state: ProjectorState,
}

/// A cheap view of a running projector.
#[derive(Debug, Clone)]
pub struct ProjectorHandle {
    progress: watch::Receiver<GenerationProgress>,
}

impl ProjectorHandle {
    pub(crate) fn new(progress: watch::Receiver<GenerationProgress>) -> Self {
        Self { progress }
    }

    /// Where it is now.
    pub fn progress(&self) -> GenerationProgress {
        self.progress.borrow().clone()
    }

    /// Changes of the progress, without polling.
    pub fn watch(&self) -> watch::Receiver<GenerationProgress> {
        self.progress.clone()
    }
}
