//! Which part of a log is exported.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use event_store::{Cut, PositionToken};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::ExportError;
use super::manifest::{ExportedLog, LogIdentity};
use crate::history::reading;

/// What a manifest says about what was left out. A later run into the same folder must say the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// Only events after this position.
    pub after: u64,
    /// The same as a cut.
    pub from: Cut,
    /// Only events of these types, as in `history grep --type`; all when empty.
    pub types: Vec<String>,
    /// Only events of these streams or categories; all when empty.
    pub streams: Vec<String>,
}

impl Selection {
    /// Is nothing left out?
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// For people.
    pub(super) fn to_text(&self) -> String {
        if self.is_everything() {
            return "no flags".to_owned();
        }
        let after = (self.after > 0).then(|| format!("--from {}", self.after + 1));
        let list = |flag: &str, wanted: &[String]| (!wanted.is_empty()).then(|| format!("{flag} {}", wanted.join(",")));
        let flags = [after, list("--types", &self.types), list("--streams", &self.streams)];
        flags.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// The condition on rows, besides that on their position. `COPY` takes no parameters, so values are quoted.
    pub(super) fn condition(&self) -> String {
        let mut sql = String::new();
        let mut any = |wanted: &[String], condition: &dyn Fn(&str) -> String| {
            if !wanted.is_empty() {
                let conditions: Vec<String> = wanted.iter().map(|wanted| condition(wanted)).collect();
                // Writing to a string cannot fail.
                let _ = write!(sql, " and ({})", conditions.join(" or "));
            }
        };
        any(&self.types, &|pattern| {
            let pattern = reading::like(pattern).replace('*', "%");
            format!(
                "type like {} or type like {}",
                quoted(&pattern),
                quoted(&format!("{pattern}.v%"))
            )
        });
        any(&self.streams, &|stream| {
            if stream.contains('-') {
                format!("stream = {}", quoted(stream))
            } else {
                format!("stream like {}", quoted(&format!("{}-%", reading::like(stream))))
            }
        });
        sql
    }
}

/// A text as PostgreSQL reads it with `standard_conforming_strings`, which the connection sets.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\0', ""))
}

/// An end of a range of the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Edge {
    /// Before the event of this global position.
    Position(u64),
    /// At the cut of a position token.
    Token(PositionToken),
    /// Before what the log took at this time or later.
    Time(DateTime<Utc>),
}

impl FromStr for Edge {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        if let Ok(time) = reading::time(text) {
            return Ok(Self::Time(time));
        }
        PositionToken::decode(text).map(Self::Token).map_err(|_| {
            "expected a position (4711), a position token, a day (2026-05-04) or a time with its zone (2026-05-04T10:00:00Z)"
                .to_owned()
        })
    }
}

impl Edge {
    /// The position up to which everything is before the edge: where partitions are cut at different times, a little less than the cut.
    pub(super) async fn last_position(
        &self,
        log: &LogIdentity,
        end: u64,
        connection: &mut PgConnection,
    ) -> Result<u64, ExportError> {
        let first_after: Option<i64> = match self {
            Self::Position(position) => return Ok(position.saturating_sub(1).min(end)),
            Self::Time(time) => {
                sqlx::query_scalar("select min(position) from journal.events where recorded_at >= $1")
                    .bind(time)
                    .fetch_one(connection)
                    .await?
            }
            Self::Token(token) if token.epoch != log.epoch => {
                return Err(ExportError::OtherEpoch {
                    found: token.epoch.0.to_string(),
                    wanted: log.epoch.0.to_string(),
                });
            }
            Self::Token(token) => {
                let (partitions, next): (Vec<i32>, Vec<i64>) = (0..log.partitions)
                    .map(|partition| {
                        let next = i64::try_from(token.cut.next(partition)).unwrap_or(i64::MAX);
                        (i32::try_from(partition).unwrap_or(i32::MAX), next)
                    })
                    .unzip();
                sqlx::query_scalar(
                    r#"select min(uncovered.position)
                       from unnest($1::integer[], $2::bigint[]) as cut (partition, next)
                       cross join lateral (
                           select e.position from journal.events e
                           where e.partition = cut.partition and e."offset" >= cut.next order by e."offset", e.index limit 1
                       ) as uncovered"#,
                )
                .bind(partitions)
                .bind(next)
                .fetch_one(connection)
                .await?
            }
        };
        let last = first_after.and_then(|position| u64::try_from(position - 1).ok());
        Ok(last.unwrap_or(end).min(end))
    }
}

/// The cut of a position: for each partition the offset of its first event after it.
pub(super) async fn cut_after(
    position: u64,
    log: &LogIdentity,
    connection: &mut PgConnection,
) -> Result<Cut, ExportError> {
    if position == 0 {
        return Ok(Cut::start());
    }
    if log.kind == ExportedLog::Postgresql {
        return Ok((0..log.partitions).map(|partition| (partition, position + 1)).collect());
    }
    let rows: Vec<(i32, i64)> = sqlx::query_as(
        r#"select partition, max("offset") + 1 from journal.events where position <= $1 group by partition"#,
    )
    .bind(i64::try_from(position).unwrap_or(i64::MAX))
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(partition, next)| Some((u32::try_from(partition).ok()?, u64::try_from(next).ok()?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_a_position_a_time_or_a_token() {
        assert_eq!("17".parse(), Ok(Edge::Position(17)));
        assert!(matches!("2026-05-04".parse(), Ok(Edge::Time(_))));
        let token = PositionToken {
            epoch: event_store::LogEpoch(uuid::Uuid::from_u128(3)),
            cut: [(0, 4)].into_iter().collect(),
            stream: None,
        };
        assert_eq!(token.encode().parse(), Ok(Edge::Token(token)));
        assert!("tomorrow".parse::<Edge>().is_err());
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        let selection = Selection {
            types: vec!["task.*".to_owned()],
            streams: vec!["a-'; drop table x; --".to_owned(), "task".to_owned()],
            ..Selection::default()
        };
        assert_eq!(
            selection.condition(),
            " and (type like 'task.%' or type like 'task.%.v%') and (stream = 'a-''; drop table x; --' or stream like 'task-%')"
        );
    }
}
