//! Who may ask what of a task.

use super::{Task, TaskCommand, TaskRefusal, TaskStatus};
use crate::actor::{Actor, Role};
use crate::id::UserId;

impl Task {
    /// People decide about a task, workers report what became of it, an analyst only looks on.
    pub(super) fn must_be_open_to(&self, command: &TaskCommand, actor: Actor) -> Result<(), TaskRefusal> {
        if actor.role == Role::Analyst {
            return Err(TaskRefusal::NotAllowed);
        }
        if let TaskCommand::Create { owner_id, .. } = command {
            return may_create_for(*owner_id, actor);
        }
        let owner = self.existing_for(actor)?;
        let decides = actor.is_owner_or_admin(owner);
        let allowed = match command {
            TaskCommand::Amend { .. }
            | TaskCommand::Cancel { .. }
            | TaskCommand::Retry { .. }
            | TaskCommand::Delete => decides,
            TaskCommand::Create { .. } | TaskCommand::StartExecution { .. } | TaskCommand::RequestClassification => {
                decides || actor.is_service()
            }
            TaskCommand::Classify(_)
            | TaskCommand::FailClassification { .. }
            | TaskCommand::ReportProgress { .. }
            | TaskCommand::CompleteExecution { .. }
            | TaskCommand::FailExecution { .. }
            | TaskCommand::LinkPullRequest(_) => actor.is_service(),
        };
        if allowed { Ok(()) } else { Err(TaskRefusal::NotAllowed) }
    }

    /// The owner, if the task is there for this actor. A user learns nothing about what others own, not even that it
    /// was deleted.
    fn existing_for(&self, actor: Actor) -> Result<UserId, TaskRefusal> {
        let owner = self.owner.ok_or(TaskRefusal::NotFound)?;
        if actor.role == Role::User && actor.id != owner {
            return Err(TaskRefusal::NotFound);
        }
        if self.status == TaskStatus::Deleted {
            return Err(TaskRefusal::Deleted);
        }
        Ok(owner)
    }
}

/// A user creates for itself. An admin and a service create for anybody: an import for the authors of its history,
/// the CI monitor for the owner of a failed build.
fn may_create_for(owner: UserId, actor: Actor) -> Result<(), TaskRefusal> {
    if actor.role == Role::User && actor.id != owner {
        Err(TaskRefusal::OwnerNotAllowed)
    } else {
        Ok(())
    }
}
