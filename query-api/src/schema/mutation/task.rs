//! Commands to tasks, except those about their executions.

use async_graphql::{Context, ID, InputObject, Object};
use serde::Serialize;

use super::envelope::{CommandInput, Envelope, Subject, commands_of};
use super::giving::give;
use super::result::CommandResult;
use crate::error::QueryError;
use crate::scalars::BigInt;
use crate::schema::stored_enums::{Complexity, TaskType};

/// Commands to tasks.
#[derive(Default)]
pub(crate) struct TaskMutations;

/// Commands to tasks.
#[Object]
impl TaskMutations {
    /// Creates a task. Role user, admin or service.
    async fn create_task(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it shall be.")] input: CreateTaskInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Changes what is given of a task and keeps the rest; not while it is in progress. Its owner or an admin.
    async fn amend_task(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and what changes.")] input: AmendTaskInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Asks the classifier what sort of work a pending task is. Its owner, an admin or a service.
    async fn request_classification(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: RequestClassificationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Tells what the classifier found. Role service only.
    async fn classify_task(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and what it is.")] input: ClassifyTaskInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Tells that the classifier could not answer. Role service only.
    async fn fail_classification(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and what went wrong.")] input: FailClassificationInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Tells where the work on a task landed. Role service only.
    async fn link_pull_request(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which task, and which pull request.")] input: LinkPullRequestInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Stops a task, and its execution if one is running. Its owner or an admin.
    async fn cancel_task(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one, and why.")] input: CancelTaskInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }

    /// Removes a task for good; not while it is in progress. Its owner or an admin.
    async fn delete_task(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which one.")] input: DeleteTaskInput,
    ) -> Result<Option<CommandResult>, QueryError> {
        give(context, input).await
    }
}

/// A task to be created.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTaskInput {
    /// Role service only: the id of the task, a UUID. Derived from the command when left out.
    #[serde(skip)]
    id: Option<ID>,
    /// 1 to 200 characters, not blank.
    title: String,
    /// 1 to 10,000 characters, not blank.
    description: String,
    /// Who will own it, a UUID: the caller when left out. A service has to name the owner; a user may name nobody else.
    owner_id: Option<ID>,
    /// What sort of work it is. Left out, the classifier finds it.
    r#type: Option<TaskType>,
    /// How big it is. Left out, the classifier finds it.
    complexity: Option<Complexity>,
    /// 0 to 9; 9 is most urgent. 0 when left out.
    priority: Option<i64>,
    /// The conversation it came from, a UUID.
    conversation_id: Option<ID>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task and what changes of it; what is left out stays as it is. When nothing changes, nothing happens.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AmendTaskInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// 1 to 200 characters, not blank.
    title: Option<String>,
    /// 1 to 10,000 characters, not blank.
    description: Option<String>,
    /// What sort of work it is; overrides the classifier.
    r#type: Option<TaskType>,
    /// How big it is; overrides the classifier.
    complexity: Option<Complexity>,
    /// 0 to 9; 9 is most urgent.
    priority: Option<i64>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task to be classified.
#[derive(InputObject, Serialize)]
pub(crate) struct RequestClassificationInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task and what the classifier says of it.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClassifyTaskInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// What sort of work it is.
    r#type: TaskType,
    /// How big it is.
    complexity: Complexity,
    /// 0 to 1; kept to three decimals.
    confidence: f64,
    /// Who says so.
    classifier: ClassifierInput,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// Which classifier it was.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClassifierInput {
    /// 1 to 100 characters.
    name: String,
    /// 1 to 50 characters.
    version: String,
}

/// A task and why it could not be classified.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FailClassificationInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// Stable, for programs; 1 to 100 characters.
    code: String,
    /// For people; 1 to 5,000 characters.
    message: String,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task and the pull request that holds the work.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkPullRequestInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// `owner/name`, at most 200 characters.
    repository: String,
    /// Its number there, from 1.
    number: BigInt,
    /// A link for people, http or https; at most 2,000 characters.
    url: String,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task to be stopped.
#[derive(InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CancelTaskInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    /// Why; at most 1,000 characters.
    reason: Option<String>,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

/// A task to be removed.
#[derive(InputObject, Serialize)]
pub(crate) struct DeleteTaskInput {
    /// The task, a UUID.
    #[serde(skip)]
    id: ID,
    #[graphql(flatten)]
    #[serde(skip)]
    envelope: Envelope,
}

commands_of! {
    Task {
        CreateTaskInput = "task.create",
        AmendTaskInput = "task.amend",
        RequestClassificationInput = "task.request-classification",
        ClassifyTaskInput = "task.classify",
        FailClassificationInput = "task.fail-classification",
        LinkPullRequestInput = "task.link-pull-request",
        CancelTaskInput = "task.cancel",
        DeleteTaskInput = "task.delete",
    }
}
