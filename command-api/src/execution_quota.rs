//! Starts of executions are counted per owner of the task, over all tasks: a place is reserved on the owner's quota
//! stream first, then the execution is started.
//!
//! A crash between the two costs a place, never lets one through. The reservation's command id derives from the
//! command's, so a repeated start reserves once. A start that would be refused anyway reserves nothing.

use domain::id::created_by;
use domain::quota::QuotaCommand;
use domain::task::{EXECUTION_STARTS_PER_HOUR, EXECUTION_STARTS_WINDOW_MS, TaskCommand};
use domain::{CommandId, UserId};
use event_store::{CommandStamp, StreamState};

use crate::api::CommandApi;
use crate::handling::{Answer, Rejection, Submission};

impl CommandApi {
    /// Reserves, then starts; refused with the time when a place opens.
    pub(crate) async fn start_within_quota(&self, submission: Submission<TaskCommand>) -> Result<Answer, Rejection> {
        let preview = self.tasks().preview(&submission).await?;
        if preview.causes_events
            && let Some(owner) = preview.state.owner()
        {
            self.reserve(owner, &submission).await?;
        }
        // When the preview said no, this says it again with its proof.
        self.tasks().handle(submission).await
    }

    async fn reserve(&self, owner: UserId, start: &Submission<TaskCommand>) -> Result<Answer, Rejection> {
        let reservation = created_by(start.stamp.scoped_command(), "quota-reservation");
        let submission = Submission {
            id: owner.as_uuid(),
            command: QuotaCommand::Reserve {
                reservation,
                limit: EXECUTION_STARTS_PER_HOUR,
                window_ms: EXECUTION_STARTS_WINDOW_MS,
            },
            stamp: CommandStamp {
                command_id: CommandId::from_uuid(reservation),
                ..start.stamp.clone()
            },
            at: start.at,
            expected: StreamState::Any,
            bytes: start.bytes,
        };
        self.quotas().handle(submission).await
    }
}
