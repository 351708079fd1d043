//! Tasks.

mod filter;
mod parts;

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use chrono::{DateTime, Utc};
use domain::StreamId;
use uuid::Uuid;

use super::conversation::Conversation;
use super::execution::{Execution, ExecutionPage};
use super::filters::uuid_of;
use super::siblings::{Siblings, SiblingsByArguments};
use super::stored_enums::{Complexity, TaskStatus, TaskType};
use crate::error::QueryError;
use crate::paging::{Connection, PageArguments, Total, fetch_page};
use crate::queries::conversation as conversation_rows;
use crate::queries::execution as execution_rows;
use crate::queries::task::{self as task_rows, TaskRow};
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

pub(crate) use filter::{TaskFilter, TaskOrder};
pub(crate) use parts::{Failure, PullRequest, TaskClassification, TaskResults};

/// Queries for tasks.
#[derive(Default)]
pub(crate) struct TaskQueries;

/// Queries for tasks.
#[Object]
impl TaskQueries {
    /// One task; null when there is none that the viewer may see.
    async fn task(&self, context: &Context<'_>, id: ID) -> Result<Option<Task>, QueryError> {
        load(context, uuid_of("id", &id)?).await
    }

    /// Tasks, newest first unless ordered otherwise. Deleted ones only when filtered for, and never for role user.
    #[graphql(complexity = "1 + PageArguments::cost(first, last) * child_complexity")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a Relay connection")]
    async fn tasks(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<TaskFilter>,
        order_by: Option<TaskOrder>,
    ) -> Result<Option<Connection<Task>>, QueryError> {
        let request = PageArguments {
            first,
            after,
            last,
            before,
        }
        .for_sort(order_by.unwrap_or_default().sort())?;
        let source = Arc::new(filter.unwrap_or_default().source(*context.data_unchecked::<Viewer>())?);
        let mut snapshot = SnapshotSlot::of(context).open().await?;
        let page = fetch_page::<TaskRow>(&mut snapshot, &*source, &request).await?;
        Ok(Some(Connection::new(page.map_all(Task::page), Total::Counted(source))))
    }
}

/// One task, for the root and for `node`.
pub(super) async fn load(context: &Context<'_>, id: Uuid) -> Result<Option<Task>, QueryError> {
    let viewer = *context.data_unchecked::<Viewer>();
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let rows = task_rows::by_ids(&mut snapshot, viewer, &[id]).await?;
    Ok(Task::page(rows.into_values().collect()).pop())
}

/// Most attempts that a task shows.
const MAX_EXECUTIONS: i32 = 100;

/// What the tasks of one page load together.
#[derive(Default)]
struct TaskPage {
    tasks: Vec<Uuid>,
    conversation_ids: Vec<Uuid>,
    conversations: Siblings<Conversation>,
    executions: SiblingsByArguments<i32, Vec<Execution>>,
}

/// A piece of work for the agent.
#[derive(Clone)]
pub(crate) struct Task {
    row: Arc<TaskRow>,
    page: Arc<TaskPage>,
}

impl Task {
    /// Tasks that are answered together.
    pub(super) fn page(rows: Vec<TaskRow>) -> Vec<Self> {
        let page = Arc::new(TaskPage {
            tasks: rows.iter().map(|row| row.id).collect(),
            conversation_ids: rows.iter().filter_map(|row| row.conversation_id).collect(),
            ..TaskPage::default()
        });
        rows.into_iter()
            .map(|row| Self {
                row: Arc::new(row),
                page: Arc::clone(&page),
            })
            .collect()
    }
}

/// A piece of work for the agent.
#[Object]
impl Task {
    /// A UUID.
    pub(super) async fn id(&self) -> ID {
        self.row.id.into()
    }

    /// At most 200 characters.
    async fn title(&self) -> &str {
        &self.row.title
    }

    /// What is to be done.
    async fn description(&self) -> &str {
        &self.row.description
    }

    /// What sort of work it is; a person's choice wins over the classifier's. Null until known.
    async fn r#type(&self) -> Result<Option<TaskType>, QueryError> {
        self.row.r#type.as_deref().map(TaskType::from_stored).transpose()
    }

    /// How big it is; a person's choice wins over the classifier's. Null until known.
    async fn complexity(&self) -> Result<Option<Complexity>, QueryError> {
        self.row.complexity.as_deref().map(Complexity::from_stored).transpose()
    }

    /// Where it stands.
    async fn status(&self) -> Result<TaskStatus, QueryError> {
        TaskStatus::from_stored(&self.row.status)
    }

    /// True while the rows lack something that the log holds, because an event could not be projected.
    async fn degraded(&self, context: &Context<'_>) -> Result<bool, QueryError> {
        let stream = StreamId::of("task", self.row.id);
        Ok(SnapshotSlot::of(context).open().await?.is_degraded(&stream))
    }

    /// 0 to 9; 9 is most urgent.
    async fn priority(&self) -> i64 {
        self.row.priority
    }

    /// Who owns it.
    async fn owner_id(&self) -> ID {
        self.row.owner_id.into()
    }

    /// The conversation it came from.
    async fn conversation_id(&self) -> Option<ID> {
        self.row.conversation_id.map(ID::from)
    }

    /// The conversation it came from; null when the viewer may not see it.
    #[graphql(complexity = "1 + child_complexity")]
    async fn conversation(&self, context: &Context<'_>) -> Result<Option<Conversation>, QueryError> {
        let Some(id) = self.row.conversation_id else {
            return Ok(None);
        };
        let load = || async {
            let viewer = *context.data_unchecked::<Viewer>();
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            let rows = conversation_rows::by_ids(&mut snapshot, viewer, &self.page.conversation_ids).await?;
            let rows = Conversation::page(rows.into_values().collect());
            Ok(rows
                .into_iter()
                .map(|conversation| (conversation.uuid(), conversation))
                .collect())
        };
        self.page.conversations.get(id, load).await
    }

    /// The last attempts (at most 100), oldest first.
    #[graphql(complexity = "1 + PageArguments::cost(last, None) * child_complexity")]
    async fn executions(&self, context: &Context<'_>, last: Option<i32>) -> Result<Option<Vec<Execution>>, QueryError> {
        let last = last.unwrap_or(crate::paging::DEFAULT_PAGE);
        if !(0..=MAX_EXECUTIONS).contains(&last) {
            return Err(QueryError::PageTooLarge { limit: MAX_EXECUTIONS });
        }
        let load = || async {
            let viewer = *context.data_unchecked::<Viewer>();
            let mut snapshot = SnapshotSlot::of(context).open().await?;
            let by_task = execution_rows::of_tasks(&mut snapshot, viewer, &self.page.tasks, i64::from(last)).await?;
            Ok(ExecutionPage::of_tasks(by_task))
        };
        Ok(Some(
            self.page
                .executions
                .get(self.row.id, last, load)
                .await?
                .unwrap_or_default(),
        ))
    }

    /// How many executions were started.
    async fn attempts(&self) -> i64 {
        self.row.attempt_count
    }

    /// The execution that is running.
    async fn running_execution_id(&self) -> Option<ID> {
        self.row.running_execution_id.map(ID::from)
    }

    /// What the classifier said last.
    async fn classification(&self) -> Option<TaskClassification<'_>> {
        TaskClassification::of_row(&self.row)
    }

    /// Why it failed; cleared by a retry.
    async fn error(&self) -> Option<Failure> {
        Failure::of(self.row.error_code.as_deref(), self.row.error_message.as_deref())
    }

    /// Why it was cancelled, when the person said so.
    async fn cancel_reason(&self) -> Option<&str> {
        self.row.cancel_reason.as_deref()
    }

    /// Where the work landed.
    async fn pull_request(&self) -> Option<PullRequest> {
        PullRequest::of_row(&self.row)
    }

    /// Sums over all executions.
    async fn results(&self) -> TaskResults {
        TaskResults::of_row(&self.row)
    }

    /// When the last execution started.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.row.started_at
    }

    /// When the last execution ended.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.row.finished_at
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.row.created_at
    }

    /// When it changed last.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.updated_at
    }

    /// The revision of its stream, for `If-Match`.
    async fn revision(&self) -> i64 {
        self.row.revision
    }
}
