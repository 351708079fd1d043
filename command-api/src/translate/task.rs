//! Commands to a task.

mod execution;

use domain::ConversationId;
use domain::task::{Classification, PullRequest, TaskCommand};
use platform::problem::Problem;
use serde_json::Value;

use super::{Sender, read, read_nothing};
use crate::catalogue::CommandName;
use crate::dto::task::{AmendTask, CancelTask, ClassifyTask, CreateTask, FailClassification, LinkPullRequest};
use crate::order::Part;
use crate::problem;

pub(super) fn translate(
    name: CommandName,
    body: &Value,
    sender: &Sender,
) -> Result<(TaskCommand, Option<Part>), Problem> {
    let command = match name {
        CommandName::TaskCreate => create(read(body)?, sender)?,
        CommandName::TaskAmend => amend(read(body)?),
        CommandName::TaskRequestClassification => {
            read_nothing(body)?;
            TaskCommand::RequestClassification
        }
        CommandName::TaskClassify => classify(read(body)?),
        CommandName::TaskFailClassification => {
            let FailClassification { code, message } = read(body)?;
            TaskCommand::FailClassification { code, message }
        }
        CommandName::TaskStartExecution => return execution::start(read(body)?, sender),
        CommandName::TaskReportProgress => execution::report(read(body)?)?,
        CommandName::TaskCompleteExecution => execution::complete(read(body)?)?,
        CommandName::TaskFailExecution => execution::fail(read(body)?)?,
        CommandName::TaskLinkPullRequest => {
            let LinkPullRequest {
                repository,
                number,
                url,
            } = read(body)?;
            TaskCommand::LinkPullRequest(PullRequest {
                repository,
                number,
                url,
            })
        }
        CommandName::TaskCancel => {
            let CancelTask { reason } = read(body)?;
            TaskCommand::Cancel { reason }
        }
        CommandName::TaskRetry => return Ok(execution::retry(read(body)?, sender)),
        CommandName::TaskDelete => {
            read_nothing(body)?;
            TaskCommand::Delete
        }
        _ => return Err(problem::unknown_command()),
    };
    Ok((command, None))
}

fn create(body: CreateTask, sender: &Sender) -> Result<TaskCommand, Problem> {
    Ok(TaskCommand::Create {
        owner_id: sender.owner(body.owner_id)?,
        title: body.title,
        description: body.description,
        task_type: body.task_type.map(Into::into),
        complexity: body.complexity.map(Into::into),
        priority: body.priority.map_or(0, saturated),
        conversation_id: body.conversation_id.map(ConversationId::new),
    })
}

fn amend(body: AmendTask) -> TaskCommand {
    TaskCommand::Amend {
        title: body.title,
        description: body.description,
        task_type: body.task_type.map(Into::into),
        complexity: body.complexity.map(Into::into),
        priority: body.priority.map(saturated),
    }
}

fn classify(body: ClassifyTask) -> TaskCommand {
    TaskCommand::Classify(Classification {
        task_type: body.task_type.into(),
        complexity: body.complexity.into(),
        confidence_permille: permille(body.confidence),
        classifier: body.classifier.name,
        classifier_version: body.classifier.version,
    })
}

/// A number that is far too large stays too large, and the aggregate says what is allowed.
fn saturated(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// What is outside 0 to 1 stays outside, and the aggregate refuses it.
fn permille(confidence: f64) -> u16 {
    if !(0.0..=1.0).contains(&confidence) {
        return u16::MAX;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 1000")]
    let permille = (confidence * 1_000.0).round() as u16;
    permille
}
