//! Sums over the counters.

use chrono::NaiveDate;
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::error::{ErrorCode, QueryError};
use crate::live::Reads;
use crate::snapshot::OpenSnapshot;
use crate::viewer::Viewer;

/// Most rows that one answer holds.
const MAX_ROWS: usize = 10_000;

/// The counters, in the order in which they are shown.
const COUNTERS: [&str; 8] = [
    "tasks",
    "executions",
    "messages",
    "files_changed",
    "lines_added",
    "lines_removed",
    "tokens_used",
    "cost_micro_usd",
];

/// What sums can be split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Day,
    Type,
    Complexity,
    Status,
    Owner,
}

impl Dimension {
    const ALL: [Self; 5] = [Self::Day, Self::Type, Self::Complexity, Self::Status, Self::Owner];

    /// The column and its select expression when it is not asked for. Unknown values are stored as ''.
    const fn column(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Day => ("s.day", "s.day", "NULL::date"),
            Self::Type => ("s.type", "nullif(s.type, '')", "NULL::text"),
            Self::Complexity => ("s.complexity", "nullif(s.complexity, '')", "NULL::text"),
            Self::Status => ("s.status", "nullif(s.status, '')", "NULL::text"),
            Self::Owner => ("s.owner_id", "s.owner_id", "NULL::uuid"),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Type => "type",
            Self::Complexity => "complexity",
            Self::Status => "status",
            Self::Owner => "owner_id",
        }
    }
}

/// Sums of one group.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct StatisticsRow {
    pub(crate) day: Option<NaiveDate>,
    pub(crate) r#type: Option<String>,
    pub(crate) complexity: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) tasks: i64,
    pub(crate) executions: i64,
    pub(crate) messages: i64,
    pub(crate) files_changed: i64,
    pub(crate) lines_added: i64,
    pub(crate) lines_removed: i64,
    pub(crate) tokens_used: i64,
    pub(crate) cost_micro_usd: i64,
}

/// Which counters to add up, and how to split the sums.
#[derive(Debug, Clone)]
pub(crate) struct StatisticsRequest {
    pub(crate) viewer: Viewer,
    pub(crate) group_by: Vec<Dimension>,
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
    pub(crate) owner_id: Option<Uuid>,
}

/// Adds up. Groups whose sums are all zero are left out; without groups there is always one row.
pub(crate) async fn sums(
    snapshot: &mut OpenSnapshot,
    request: &StatisticsRequest,
) -> Result<Vec<StatisticsRow>, QueryError> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    for dimension in Dimension::ALL {
        let (_, expression, absent) = dimension.column();
        let chosen = if request.group_by.contains(&dimension) {
            expression
        } else {
            absent
        };
        sql.push(chosen).push(" AS ").push(dimension.name()).push(", ");
    }
    for (index, counter) in COUNTERS.iter().enumerate() {
        sql.push(if index == 0 { "" } else { ", " });
        sql.push("coalesce(sum(s.")
            .push(counter)
            .push("), 0)::bigint AS ")
            .push(counter);
    }
    sql.push(" FROM ")
        .push(snapshot.schema_with(&["statistics"], Reads::Everything)?)
        .push(".statistics s WHERE true");
    request.viewer.push_owner_rule(&mut sql, "s.owner_id");
    if let Some(owner) = request.owner_id {
        sql.push(" AND s.owner_id = ").push_bind(owner);
    }
    if let Some(from) = request.from {
        sql.push(" AND s.day >= ").push_bind(from);
    }
    if let Some(to) = request.to {
        sql.push(" AND s.day <= ").push_bind(to);
    }
    let groups: Vec<&str> = Dimension::ALL
        .into_iter()
        .filter(|dimension| request.group_by.contains(dimension))
        .map(|dimension| dimension.column().0)
        .collect();
    if !groups.is_empty() {
        let groups = groups.join(", ");
        sql.push(" GROUP BY ").push(&groups).push(" HAVING ");
        for (index, counter) in COUNTERS.iter().enumerate() {
            sql.push(if index == 0 { "" } else { " OR " })
                .push("sum(s.")
                .push(counter)
                .push(") <> 0");
        }
        sql.push(" ORDER BY ").push(&groups);
    }
    sql.push(" LIMIT ")
        .push_bind(i64::try_from(MAX_ROWS).unwrap_or(i64::MAX).saturating_add(1));
    let rows: Vec<StatisticsRow> = sql.build_query_as().fetch_all(snapshot.connection()).await?;
    if rows.len() > MAX_ROWS {
        let (code, what) = (ErrorCode::LimitRows, "the number of groups");
        return Err(QueryError::Limit {
            code,
            what,
            limit: MAX_ROWS,
        });
    }
    Ok(rows)
}
