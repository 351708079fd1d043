//! What a task must remember to decide.

use serde::{Deserialize, Serialize};

use crate::id::{ExecutionId, UserId};
use crate::task::{Classification, Complexity, PullRequest, Strategy, TaskEvent, TaskStatus, TaskType};

/// A task. Without an owner it was not created yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Task {
    pub(super) owner: Option<UserId>,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) task_type: Chosen<TaskType>,
    pub(super) complexity: Chosen<Complexity>,
    pub(super) priority: u8,
    pub(super) status: TaskStatus,
    pub(super) classification: Option<Classification>,
    /// Every execution so far, at most [`ATTEMPTS_MAX`](super::ATTEMPTS_MAX): an id is used once.
    pub(super) executions: Vec<ExecutionId>,
    pub(super) last_strategy: Option<Strategy>,
    pub(super) pull_request: Option<PullRequest>,
}

/// A value that a classifier may find but a person may decide; the person's choice wins, whenever it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Chosen<T> {
    by_person: Option<T>,
    by_classifier: Option<T>,
}

impl<T> Default for Chosen<T> {
    fn default() -> Self {
        Self {
            by_person: None,
            by_classifier: None,
        }
    }
}

impl<T: Copy> Chosen<T> {
    pub(super) fn value(self) -> Option<T> {
        self.by_person.or(self.by_classifier)
    }

    fn decided_by_person(&mut self, value: Option<T>) {
        self.by_person = value.or(self.by_person);
    }
}

impl Task {
    /// Who owns it; nobody before it was created.
    pub fn owner(&self) -> Option<UserId> {
        self.owner
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its description.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Where it stands.
    pub fn status(&self) -> TaskStatus {
        self.status
    }

    /// The type that counts: a person's choice before the classifier's.
    pub fn task_type(&self) -> Option<TaskType> {
        self.task_type.value()
    }

    /// The complexity that counts: a person's choice before the classifier's.
    pub fn complexity(&self) -> Option<Complexity> {
        self.complexity.value()
    }

    /// The execution that is running now.
    pub fn running_execution(&self) -> Option<ExecutionId> {
        if self.status == TaskStatus::InProgress {
            self.executions.last().copied()
        } else {
            None
        }
    }

    /// The number of the execution that would come next: 1 for the first.
    pub fn next_attempt(&self) -> u32 {
        u32::try_from(self.executions.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    pub(super) fn is_classified(&self) -> bool {
        self.task_type().is_some() && self.complexity().is_some()
    }

    pub(super) fn apply(&mut self, event: &TaskEvent) {
        match event {
            TaskEvent::Created {
                owner_id,
                title,
                description,
                task_type,
                complexity,
                priority,
                ..
            } => {
                self.owner = Some(*owner_id);
                self.title.clone_from(title);
                self.description.clone_from(description);
                self.task_type.decided_by_person(*task_type);
                self.complexity.decided_by_person(*complexity);
                self.priority = *priority;
            }
            TaskEvent::Amended {
                title,
                description,
                task_type,
                complexity,
                priority,
            } => {
                if let Some(title) = title {
                    self.title.clone_from(title);
                }
                if let Some(description) = description {
                    self.description.clone_from(description);
                }
                self.task_type.decided_by_person(*task_type);
                self.complexity.decided_by_person(*complexity);
                self.priority = priority.unwrap_or(self.priority);
            }
            TaskEvent::ClassificationRequested => self.status = TaskStatus::Classifying,
            TaskEvent::Classified(classification) => {
                self.status = TaskStatus::Classifying;
                self.task_type.by_classifier = Some(classification.task_type);
                self.complexity.by_classifier = Some(classification.complexity);
                self.classification = Some(classification.clone());
            }
            TaskEvent::ClassificationFailed { .. } | TaskEvent::ExecutionFailed { .. } => {
                self.status = TaskStatus::Failed;
            }
            TaskEvent::ExecutionStarted {
                execution_id, strategy, ..
            } => {
                self.status = TaskStatus::InProgress;
                self.executions.push(*execution_id);
                self.last_strategy = Some(*strategy);
            }
            // A retry counts from the execution that starts in the same commit; progress changes no rule.
            TaskEvent::ExecutionProgressed { .. } | TaskEvent::Retried { .. } => {}
            TaskEvent::ExecutionCompleted { .. } => self.status = TaskStatus::Completed,
            TaskEvent::PullRequestLinked(pull_request) => self.pull_request = Some(pull_request.clone()),
            TaskEvent::Cancelled { .. } => self.status = TaskStatus::Cancelled,
            TaskEvent::Deleted => self.status = TaskStatus::Deleted,
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let classification = self.classification.as_ref().map_or(0, |said| {
            said.classifier.capacity() + said.classifier_version.capacity()
        });
        let pull_request = self
            .pull_request
            .as_ref()
            .map_or(0, |linked| linked.repository.capacity() + linked.url.capacity());
        let executions = self.executions.capacity() * size_of::<ExecutionId>();
        self.title.capacity() + self.description.capacity() + classification + pull_request + executions
    }
}
