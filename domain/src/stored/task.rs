//! Stored forms of [`TaskEvent`].

mod execution;
mod life;

use std::borrow::Cow;

use super::{EncodedEvent, Name, Nothing, encoded, read};
use crate::task::TaskEvent;
use execution::{CompletedV1, FailedV1, LogLineV1, ProgressedV1, PullRequestLinkedV1, RetriedV1, StartedV1};
use life::{AmendedV1, CancelledV1, ClassificationFailedV1, ClassifiedV1, CreatedV1};

const CREATED_V1: &str = "task.created.v1";
const AMENDED_V1: &str = "task.amended.v1";
const CLASSIFICATION_REQUESTED_V1: &str = "task.classification-requested.v1";
const CLASSIFIED_V1: &str = "task.classified.v1";
const CLASSIFICATION_FAILED_V1: &str = "task.classification-failed.v1";
const EXECUTION_STARTED_V1: &str = "task.execution-started.v1";
const EXECUTION_PROGRESSED_V1: &str = "task.execution-progressed.v1";
const EXECUTION_COMPLETED_V1: &str = "task.execution-completed.v1";
const EXECUTION_FAILED_V1: &str = "task.execution-failed.v1";
const PULL_REQUEST_LINKED_V1: &str = "task.pull-request-linked.v1";
const CANCELLED_V1: &str = "task.cancelled.v1";
const RETRIED_V1: &str = "task.retried.v1";
const DELETED_V1: &str = "task.deleted.v1";

pub(super) const TYPES: [&str; 13] = [
    CREATED_V1,
    AMENDED_V1,
    CLASSIFICATION_REQUESTED_V1,
    CLASSIFIED_V1,
    CLASSIFICATION_FAILED_V1,
    EXECUTION_STARTED_V1,
    EXECUTION_PROGRESSED_V1,
    EXECUTION_COMPLETED_V1,
    EXECUTION_FAILED_V1,
    PULL_REQUEST_LINKED_V1,
    CANCELLED_V1,
    RETRIED_V1,
    DELETED_V1,
];

#[expect(
    clippy::too_many_lines,
    reason = "one arm for each event type; cutting the match in two would lose its completeness"
)]
pub(super) fn encode(event: &TaskEvent) -> EncodedEvent {
    match event {
        TaskEvent::Created {
            owner_id,
            title,
            description,
            task_type,
            complexity,
            priority,
            conversation_id,
        } => {
            let created = CreatedV1 {
                owner_id: *owner_id,
                title: Cow::Borrowed(title),
                description: Cow::Borrowed(description),
                task_type: task_type.map(Name),
                complexity: complexity.map(Name),
                priority: *priority,
                conversation_id: *conversation_id,
            };
            encoded(CREATED_V1, &created)
        }
        TaskEvent::Amended {
            title,
            description,
            task_type,
            complexity,
            priority,
        } => {
            let amended = AmendedV1 {
                title: title.as_deref().map(Cow::Borrowed),
                description: description.as_deref().map(Cow::Borrowed),
                task_type: task_type.map(Name),
                complexity: complexity.map(Name),
                priority: *priority,
            };
            encoded(AMENDED_V1, &amended)
        }
        TaskEvent::ClassificationRequested => encoded(CLASSIFICATION_REQUESTED_V1, &Nothing {}),
        TaskEvent::Classified(classification) => encoded(CLASSIFIED_V1, &ClassifiedV1::from(classification)),
        TaskEvent::ClassificationFailed { code, message } => {
            let failed = ClassificationFailedV1 {
                code: Cow::Borrowed(code),
                message: Cow::Borrowed(message),
            };
            encoded(CLASSIFICATION_FAILED_V1, &failed)
        }
        TaskEvent::ExecutionStarted {
            execution_id,
            strategy,
            model,
            attempt,
        } => {
            let started = StartedV1 {
                execution_id: *execution_id,
                strategy: Name(*strategy),
                model: model.as_deref().map(Cow::Borrowed),
                attempt: *attempt,
            };
            encoded(EXECUTION_STARTED_V1, &started)
        }
        TaskEvent::ExecutionProgressed {
            execution_id,
            percent,
            log,
        } => {
            let log = log.iter().map(LogLineV1::from).collect();
            encoded(
                EXECUTION_PROGRESSED_V1,
                &ProgressedV1 {
                    execution_id: *execution_id,
                    percent: *percent,
                    log,
                },
            )
        }
        TaskEvent::ExecutionCompleted { execution_id, result } => {
            encoded(EXECUTION_COMPLETED_V1, &CompletedV1::new(*execution_id, result))
        }
        TaskEvent::ExecutionFailed {
            execution_id,
            code,
            message,
            tokens_used,
            cost_micro_usd,
            duration_ms,
        } => {
            let failed = FailedV1 {
                execution_id: *execution_id,
                code: Cow::Borrowed(code),
                message: Cow::Borrowed(message),
                tokens_used: *tokens_used,
                cost_micro_usd: *cost_micro_usd,
                duration_ms: *duration_ms,
            };
            encoded(EXECUTION_FAILED_V1, &failed)
        }
        TaskEvent::PullRequestLinked(pull_request) => {
            encoded(PULL_REQUEST_LINKED_V1, &PullRequestLinkedV1::from(pull_request))
        }
        TaskEvent::Cancelled { reason } => encoded(
            CANCELLED_V1,
            &CancelledV1 {
                reason: reason.as_deref().map(Cow::Borrowed),
            },
        ),
        TaskEvent::Retried { attempt } => encoded(RETRIED_V1, &RetriedV1 { attempt: *attempt }),
        TaskEvent::Deleted => encoded(DELETED_V1, &Nothing {}),
    }
}

/// Nothing when the type is not one of a task.
pub(super) fn decode(event_type: &str, data: &str) -> Option<serde_json::Result<TaskEvent>> {
    let decoded = match event_type {
        CREATED_V1 => read::<CreatedV1<'_>>(data).map(TaskEvent::from),
        AMENDED_V1 => read::<AmendedV1<'_>>(data).map(TaskEvent::from),
        CLASSIFICATION_REQUESTED_V1 => read::<Nothing>(data).map(|_| TaskEvent::ClassificationRequested),
        CLASSIFIED_V1 => read::<ClassifiedV1<'_>>(data).map(TaskEvent::from),
        CLASSIFICATION_FAILED_V1 => read::<ClassificationFailedV1<'_>>(data).map(TaskEvent::from),
        EXECUTION_STARTED_V1 => read::<StartedV1<'_>>(data).map(TaskEvent::from),
        EXECUTION_PROGRESSED_V1 => read::<ProgressedV1<'_>>(data).map(TaskEvent::from),
        EXECUTION_COMPLETED_V1 => read::<CompletedV1<'_>>(data).map(TaskEvent::from),
        EXECUTION_FAILED_V1 => read::<FailedV1<'_>>(data).map(TaskEvent::from),
        PULL_REQUEST_LINKED_V1 => read::<PullRequestLinkedV1<'_>>(data).map(TaskEvent::from),
        CANCELLED_V1 => read::<CancelledV1<'_>>(data).map(TaskEvent::from),
        RETRIED_V1 => read::<RetriedV1>(data).map(TaskEvent::from),
        DELETED_V1 => read::<Nothing>(data).map(|_| TaskEvent::Deleted),
        _ => return None,
    };
    Some(decoded)
}
