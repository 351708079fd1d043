//! What people do with a task: create, amend, cancel, delete.

use super::{
    Complexity, DESCRIPTION_MAX, PRIORITY_MAX, REASON_MAX, TITLE_MAX, Task, TaskEvent, TaskRefusal, TaskStatus,
    TaskType, check_text,
};

impl Task {
    pub(super) fn must_be_creatable(&self, title: &str, description: &str, priority: u8) -> Result<(), TaskRefusal> {
        if self.status == TaskStatus::Deleted {
            return Err(TaskRefusal::Deleted);
        }
        if self.owner.is_some() {
            return Err(TaskRefusal::AlreadyExists);
        }
        check_text("title", title, TITLE_MAX)?;
        check_text("description", description, DESCRIPTION_MAX)?;
        check_priority(priority)
    }

    pub(super) fn amend(
        &self,
        title: Option<&str>,
        description: Option<&str>,
        task_type: Option<TaskType>,
        complexity: Option<Complexity>,
        priority: Option<u8>,
    ) -> Result<Vec<TaskEvent>, TaskRefusal> {
        match self.status {
            TaskStatus::Pending | TaskStatus::Classifying | TaskStatus::Failed | TaskStatus::Cancelled => {}
            TaskStatus::InProgress => return Err(TaskRefusal::NotEditableWhileInProgress),
            TaskStatus::Completed => return Err(TaskRefusal::NotEditableWhenCompleted),
            TaskStatus::Deleted => return Err(TaskRefusal::Deleted),
        }
        let title = title.filter(|title| *title != self.title);
        let description = description.filter(|description| *description != self.description);
        let task_type = task_type.filter(|_| task_type != self.task_type());
        let complexity = complexity.filter(|_| complexity != self.complexity());
        let priority = priority.filter(|priority| *priority != self.priority);
        if let Some(title) = title {
            check_text("title", title, TITLE_MAX)?;
        }
        if let Some(description) = description {
            check_text("description", description, DESCRIPTION_MAX)?;
        }
        if let Some(priority) = priority {
            check_priority(priority)?;
        }
        let changes_text = title.is_some() || description.is_some();
        if !changes_text && task_type.is_none() && complexity.is_none() && priority.is_none() {
            return Ok(Vec::new());
        }
        let (title, description) = (title.map(str::to_owned), description.map(str::to_owned));
        Ok(vec![TaskEvent::Amended {
            title,
            description,
            task_type,
            complexity,
            priority,
        }])
    }

    /// The execution that runs, if any, is not the current one any more: its result will be refused.
    pub(super) fn cancel(&self, reason: Option<&str>) -> Result<Vec<TaskEvent>, TaskRefusal> {
        match self.status {
            TaskStatus::Pending | TaskStatus::Classifying | TaskStatus::InProgress => {}
            TaskStatus::Cancelled => return Ok(Vec::new()),
            TaskStatus::Completed | TaskStatus::Failed => return Err(TaskRefusal::NotCancellable),
            TaskStatus::Deleted => return Err(TaskRefusal::Deleted),
        }
        if let Some(reason) = reason {
            check_text("reason", reason, REASON_MAX)?;
        }
        Ok(vec![TaskEvent::Cancelled {
            reason: reason.map(str::to_owned),
        }])
    }

    pub(super) fn delete(&self) -> Result<Vec<TaskEvent>, TaskRefusal> {
        if self.status == TaskStatus::InProgress {
            return Err(TaskRefusal::NotDeletableWhileInProgress);
        }
        Ok(vec![TaskEvent::Deleted])
    }
}

fn check_priority(priority: u8) -> Result<(), TaskRefusal> {
    if priority > PRIORITY_MAX {
        Err(TaskRefusal::PriorityOutOfRange)
    } else {
        Ok(())
    }
}
