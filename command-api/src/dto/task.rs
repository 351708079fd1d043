//! Bodies of the commands to a task, except those about its executions.

mod execution;

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use super::words::{ComplexityWord, TaskTypeWord};
pub(crate) use execution::{CompleteExecution, FailExecution, ReportProgress, ReportedLine, RetryTask, StartExecution};

/// Brings a task into being.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateTask {
    /// 1 to 200 characters, not blank.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) title: String,
    /// 1 to 10,000 characters, not blank.
    #[schema(min_length = 1, max_length = 10_000)]
    pub(crate) description: String,
    /// Who will own it: the caller when left out. A service has to name the owner.
    pub(crate) owner_id: Option<Uuid>,
    /// Left out: the classifier finds it.
    #[serde(rename = "type")]
    pub(crate) task_type: Option<TaskTypeWord>,
    /// Left out: the classifier finds it.
    pub(crate) complexity: Option<ComplexityWord>,
    /// 0 (default) to 9 (most urgent).
    #[schema(maximum = 9)]
    pub(crate) priority: Option<u64>,
    /// The conversation it came from.
    pub(crate) conversation_id: Option<Uuid>,
}

/// Changes what is given and keeps the rest.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AmendTask {
    /// 1 to 200 characters, not blank.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) title: Option<String>,
    /// 1 to 10,000 characters, not blank.
    #[schema(min_length = 1, max_length = 10_000)]
    pub(crate) description: Option<String>,
    /// Overrides the classifier.
    #[serde(rename = "type")]
    pub(crate) task_type: Option<TaskTypeWord>,
    /// Overrides the classifier.
    pub(crate) complexity: Option<ComplexityWord>,
    /// 0 to 9 (most urgent).
    #[schema(maximum = 9)]
    pub(crate) priority: Option<u64>,
}

/// Stops a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CancelTask {
    /// At most 1,000 characters.
    #[schema(max_length = 1_000)]
    pub(crate) reason: Option<String>,
}

/// The classifier's answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClassifyTask {
    /// The sort of work.
    #[serde(rename = "type")]
    pub(crate) task_type: TaskTypeWord,
    /// The size.
    pub(crate) complexity: ComplexityWord,
    /// 0 to 1; kept to three decimals.
    #[schema(minimum = 0, maximum = 1)]
    pub(crate) confidence: f64,
    /// Who says so.
    pub(crate) classifier: Classifier,
}

/// Which classifier it was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Classifier {
    /// 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) name: String,
    /// 1 to 50 characters.
    #[schema(min_length = 1, max_length = 50)]
    pub(crate) version: String,
}

/// The classifier could not answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FailClassification {
    /// Stable, for programs; 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) code: String,
    /// For people; 1 to 5,000 characters.
    #[schema(min_length = 1, max_length = 5_000)]
    pub(crate) message: String,
}

/// What can be sent to a task's classification: nothing asks for one, the others report the outcome.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes the alternatives in the OpenAPI document; the route tells them apart itself"
)]
pub(crate) enum ClassificationBody {
    /// The classifier's answer.
    Result(ClassifyTask),
    /// The classifier's failure.
    Failure {
        /// What went wrong.
        failure: FailClassification,
    },
}

/// Where the work landed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LinkPullRequest {
    /// `owner/name`.
    pub(crate) repository: String,
    /// Its number there, from 1.
    #[schema(minimum = 1)]
    pub(crate) number: u64,
    /// A link for people, http or https.
    #[schema(max_length = 2_000)]
    pub(crate) url: String,
}
