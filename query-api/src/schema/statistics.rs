//! Statistics.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};

use super::filters::optional_uuid_of;
use super::stored_enums::{Complexity, TaskStatus, TaskType};
use crate::error::QueryError;
use crate::queries::statistics::{Dimension, StatisticsRequest, StatisticsRow, sums};
use crate::scalars::{BigInt, Date};
use crate::snapshot::SnapshotSlot;
use crate::viewer::Viewer;

/// Statistics.
#[derive(Default)]
pub(crate) struct StatisticsQueries;

/// Statistics.
#[Object]
impl StatisticsQueries {
    /// Sums over tasks, executions and messages, split by what `groupBy` names. Role user gets sums over own rows.
    ///
    /// `from` and `to` are days in UTC, both included. A task counts on the day it was created, an execution on the day it started, its
    /// results on the day they were reported, a message on the day it was sent. At most 10,000 groups.
    #[graphql(complexity = "50 + child_complexity")]
    async fn statistics(
        &self,
        context: &Context<'_>,
        group_by: Option<Vec<StatisticsGroup>>,
        from: Option<Date>,
        to: Option<Date>,
        owner_id: Option<ID>,
    ) -> Result<Option<Statistics>, QueryError> {
        load(context, group_by, (from, to), owner_id).await.map(Some)
    }
}

/// The sums, for queries and subscriptions.
pub(super) async fn load(
    context: &Context<'_>,
    group_by: Option<Vec<StatisticsGroup>>,
    (from, to): (Option<Date>, Option<Date>),
    owner_id: Option<ID>,
) -> Result<Statistics, QueryError> {
    let group_by = group_by.unwrap_or_default().into_iter();
    let request = StatisticsRequest {
        viewer: *context.data_unchecked::<Viewer>(),
        group_by: group_by.map(StatisticsGroup::dimension).collect(),
        from: from.map(|date| date.0),
        to: to.map(|date| date.0),
        owner_id: optional_uuid_of("ownerId", owner_id.as_ref())?,
    };
    let mut snapshot = SnapshotSlot::of(context).open().await?;
    let rows = sums(&mut snapshot, &request).await?;
    let rows = rows.iter().map(StatisticsGroupRow::of_row).collect::<Result<_, _>>()?;
    Ok(Statistics { rows })
}

/// What sums can be split by.
#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatisticsGroup {
    /// The day in UTC.
    Day,
    /// The type of the task.
    Type,
    /// The complexity of the task.
    Complexity,
    /// The status of the task.
    Status,
    /// The owner of the task or conversation.
    Owner,
}

impl StatisticsGroup {
    fn dimension(self) -> Dimension {
        match self {
            Self::Day => Dimension::Day,
            Self::Type => Dimension::Type,
            Self::Complexity => Dimension::Complexity,
            Self::Status => Dimension::Status,
            Self::Owner => Dimension::Owner,
        }
    }
}

/// Sums.
#[derive(SimpleObject)]
pub(crate) struct Statistics {
    /// One row a group, ordered by the groups; without `groupBy` one row.
    rows: Vec<StatisticsGroupRow>,
}

/// The sums of one group.
#[derive(SimpleObject)]
#[graphql(name = "StatisticsRow")]
pub(crate) struct StatisticsGroupRow {
    /// The day; null unless grouped by.
    day: Option<Date>,
    /// The type; null unless grouped by, for messages, and for tasks without one.
    r#type: Option<TaskType>,
    /// The complexity; null unless grouped by, for messages, and for tasks without one.
    complexity: Option<Complexity>,
    /// The status; null unless grouped by, and for messages.
    status: Option<TaskStatus>,
    /// The owner; null unless grouped by.
    owner_id: Option<ID>,
    /// Tasks created.
    tasks: BigInt,
    /// Executions started.
    executions: BigInt,
    /// Messages sent.
    messages: BigInt,
    /// Files touched.
    files_changed: BigInt,
    /// Lines added.
    lines_added: BigInt,
    /// Lines removed.
    lines_removed: BigInt,
    /// Tokens spent by executions and messages.
    tokens_used: BigInt,
    /// Micro-US-dollars spent.
    cost_micro_usd: BigInt,
}

impl StatisticsGroupRow {
    fn of_row(row: &StatisticsRow) -> Result<Self, QueryError> {
        Ok(Self {
            day: row.day.map(Date),
            r#type: row.r#type.as_deref().map(TaskType::from_stored).transpose()?,
            complexity: row.complexity.as_deref().map(Complexity::from_stored).transpose()?,
            status: row.status.as_deref().map(TaskStatus::from_stored).transpose()?,
            owner_id: row.owner_id.map(ID::from),
            tasks: BigInt(row.tasks),
            executions: BigInt(row.executions),
            messages: BigInt(row.messages),
            files_changed: BigInt(row.files_changed),
            lines_added: BigInt(row.lines_added),
            lines_removed: BigInt(row.lines_removed),
            tokens_used: BigInt(row.tokens_used),
            cost_micro_usd: BigInt(row.cost_micro_usd),
        })
    }
}
