//! From which event on a row is not what the log says.
//!
//! The streams that may have touched the row are folded once more, alone and event by event, so that the row is known as it should have been
//! after each of them. The first event after which the generation's row never agrees again is where they part. A row of
//! [sums](crate::table::TableKind::Sums) is made by many streams: there it is told which single event would explain the difference.

use std::collections::{BTreeSet, HashMap};

use domain::StreamId;
use event_store::{Cut, EventStore, ReadStreamOptions, RecordedEvent};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{RowDifference, quoted};
use crate::batch;
use crate::coalesce::{CoalescedChanges, Row, RowChange};
use crate::error::ProjectionError;
use crate::gaps::Gaps;
use crate::operation::Key;
use crate::projector::Projector;
use crate::subject::SubjectKind;
use crate::table::{TableDefinition, TableKind};
use crate::value::Value;

mod row;
mod sums;

/// Most events of one stream that are folded to explain a row.
const STREAM_EVENTS: usize = 20_000;
/// Most streams that are folded to explain a row of sums.
const SUM_STREAMS: i64 = 1_000;

/// An event by its places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventPlace {
    /// Its stream.
    pub stream: String,
    /// Its revision in the stream.
    pub revision: u64,
    /// Its type, with the version.
    pub event_type: String,
    /// Its partition of the log.
    pub partition: u32,
    /// Its record there.
    pub offset: u64,
}

/// What is known about why a row differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Parting {
    /// Before this event the row was as the log says, and never from it on.
    #[serde(rename_all = "camelCase")]
    At {
        /// The event.
        event: EventPlace,
        /// The columns that differ; none when the row is missing or too much.
        columns: Vec<String>,
    },
    /// At no event the row was as the log says: this is the first that touches it.
    #[serde(rename_all = "camelCase")]
    Never {
        /// The event.
        event: EventPlace,
        /// The columns that differ.
        columns: Vec<String>,
    },
    /// No event of the log makes this row.
    FromNothing,
    /// A row of sums.
    #[serde(rename_all = "camelCase")]
    Sums {
        /// By how much the generation has more than the log says, by column.
        more: std::collections::BTreeMap<String, i64>,
        /// Streams that add to the row.
        streams: u64,
        /// Their events that do.
        events: u64,
        /// The first event that explains the difference alone, if there is one.
        explained_by: Option<Explanation>,
    },
    /// The projector itself does not give the same row twice: it depends on more than the events of the stream.
    #[serde(rename_all = "camelCase")]
    Unstable {
        /// The first event that touches the row.
        event: EventPlace,
        /// The columns that came out differently.
        columns: Vec<String>,
    },
    /// It was not found.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// One event that would explain why sums differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The event.
    pub event: EventPlace,
    /// It was added twice; otherwise it is missing.
    pub twice: bool,
}

impl std::fmt::Display for EventPlace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} of {}@{} (partition {}, offset {})",
            self.event_type, self.stream, self.revision, self.partition, self.offset
        )
    }
}

impl std::fmt::Display for Parting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let listed = |columns: &[String]| {
            if columns.is_empty() {
                String::new()
            } else {
                format!(" in {}", columns.join(", "))
            }
        };
        match self {
            Self::At { event, columns } => write!(formatter, "they part{} at {event}", listed(columns)),
            Self::Never { event, columns } => write!(
                formatter,
                "they never agree{}; the first event of the row is {event}",
                listed(columns)
            ),
            Self::FromNothing => write!(formatter, "no event of the log makes this row"),
            Self::Sums {
                more,
                streams,
                events,
                explained_by,
            } => {
                let more: Vec<String> = more.iter().map(|(column, by)| format!("{column} {by:+}")).collect();
                write!(
                    formatter,
                    "{} against {events} events of {streams} streams that add to it; ",
                    more.join(", ")
                )?;
                match explained_by {
                    Some(Explanation { event, twice: true }) => write!(formatter, "as if counted twice: {event}"),
                    Some(Explanation { event, twice: false }) => write!(formatter, "as if not counted: {event}"),
                    None => write!(formatter, "no single event explains it"),
                }
            }
            Self::Unstable { event, columns } => write!(
                formatter,
                "the projector gives another row each time{}: it depends on more than the events of its stream, such as a clock or the order \
                 of other streams; the first event of the row is {event}",
                listed(columns)
            ),
            Self::Unknown { reason } => write!(formatter, "where they part is not known: {reason}"),
        }
    }
}

/// Looks for the first events in one log, up to one cut.
pub struct PartingSearch<'a> {
    /// The log.
    pub store: &'a dyn EventStore,
    /// Only events below it count.
    pub cut: &'a Cut,
    /// Those of the generation.
    pub projectors: &'a [Box<dyn Projector>],
    /// The schema of the second fold at that cut, which knows the streams.
    pub schema: &'a str,
    /// What neither of them has.
    pub gaps: &'a Gaps,
}

/// A row as it should be after an event that touched it.
struct Touch {
    event: EventPlace,
    row: Option<Row>,
    /// What the event did, of a row of sums.
    change: RowChange,
}

impl PartingSearch<'_> {
    /// Where the generation's row (left) and what the log says (right) part.
    pub async fn find(
        &self,
        connection: &mut PgConnection,
        table: &'static TableDefinition,
        difference: &RowDifference,
    ) -> Result<Parting, ProjectionError> {
        let Some(key) = row::read_key(table, &difference.key) else {
            let reason = format!("the key {} cannot be read", difference.key);
            return Ok(Parting::Unknown { reason });
        };
        let rows = (
            row::read(table, difference.left.as_ref()),
            row::read(table, difference.right.as_ref()),
        );
        if table.kind == TableKind::Sums {
            return sums::find(self, connection, table, &key, rows).await;
        }
        let mut writer: Option<Vec<Touch>> = None;
        for stream in streams_of(&key) {
            match (self.touches(table, &key, &stream).await?, &writer) {
                (Ok(touches), _) if touches.is_empty() => {}
                (Ok(touches), None) => writer = Some(touches),
                (Ok(_), Some(others)) => {
                    let other = others
                        .first()
                        .map_or("another stream", |touch| touch.event.stream.as_str());
                    let reason = format!("both {stream} and {other} write the row, so it depends on which comes last");
                    return Ok(Parting::Unknown { reason });
                }
                (Err(reason), _) => return Ok(Parting::Unknown { reason }),
            }
        }
        Ok(match writer {
            Some(touches) => row::find(table, &touches, &rows),
            None if rows.1.is_none() => Parting::FromNothing,
            None => {
                let reason = "no stream that its key names makes the row".to_owned();
                Parting::Unknown { reason }
            }
        })
    }

    /// Folds one stream alone; what it did to the row, or why it cannot be told.
    async fn touches(
        &self,
        table: &'static TableDefinition,
        key: &Key,
        stream: &StreamId,
    ) -> Result<Result<Vec<Touch>, String>, ProjectionError> {
        let mut subjects = HashMap::new();
        let mut touches = Vec::new();
        let mut row = None;
        let mut from = 0;
        loop {
            let options = ReadStreamOptions {
                from: Some(from),
                max_count: 1_000,
                ..ReadStreamOptions::default()
            };
            let page = self.store.read_stream(stream, &options).await?;
            let Some(last) = page.last() else {
                return Ok(Ok(touches));
            };
            from = last.revision + 1;
            if from > STREAM_EVENTS as u64 {
                return Ok(Err(format!("{stream} has more than {STREAM_EVENTS} events")));
            }
            for event in page {
                if event.at.offset >= self.cut.next(event.at.partition) {
                    return Ok(Ok(touches));
                }
                if self.gaps.hold(&event) {
                    return Ok(Ok(touches));
                }
                let place = place_of(&event);
                let mut changes = CoalescedChanges::default();
                let folded = if self.gaps.lack(&event) {
                    batch::pass_over(&mut subjects, &event, &mut changes)
                } else {
                    batch::decode(event)
                        .and_then(|event| batch::fold(self.projectors, &mut subjects, &[event], &mut changes))
                };
                if let Err(error) = folded {
                    return Ok(Err(crate::error::chain(&error)));
                }
                if let Some(change) = change_of(table, key, changes) {
                    row = change
                        .apply(table, row)
                        .map(|row: Row| row.into_iter().map(Value::as_stored).collect());
                    touches.push(Touch {
                        event: place,
                        row: row.clone(),
                        change,
                    });
                }
            }
        }
    }

    /// Streams whose owner or id is in the key, as the second fold knows them.
    async fn streams_that_add(
        &self,
        connection: &mut PgConnection,
        key: &Key,
    ) -> Result<Option<Vec<StreamId>>, ProjectionError> {
        let ids: Vec<Uuid> = uuids(key).collect();
        let sql = format!(
            "select stream from {}.subject where owner_id = any($1) or id = any($1) or cardinality($1) = 0 order by stream limit {}",
            quoted(self.schema),
            SUM_STREAMS + 1
        );
        let streams: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(&ids)
            .fetch_all(connection)
            .await?;
        let few = streams.len() <= usize::try_from(SUM_STREAMS).unwrap_or(usize::MAX);
        Ok(few.then(|| {
            streams
                .iter()
                .filter_map(|stream| StreamId::parse(stream).ok())
                .collect()
        }))
    }
}

/// What the changes do to one row.
fn change_of(table: &'static TableDefinition, key: &Key, changes: CoalescedChanges) -> Option<RowChange> {
    let rows = changes.into_tables().find(|(changed, _)| changed.name == table.name)?.1;
    rows.into_iter()
        .find(|(changed, _)| changed == key)
        .map(|(_, change)| change)
}

fn place_of(event: &RecordedEvent) -> EventPlace {
    EventPlace {
        stream: event.stream.as_str().to_owned(),
        revision: event.revision,
        event_type: event.event_type.clone(),
        partition: event.at.partition,
        offset: event.at.offset,
    }
}

/// The streams that a key may mean: rows of one stream carry its name or its UUID.
fn streams_of(key: &Key) -> Vec<StreamId> {
    let named: Vec<StreamId> = key
        .iter()
        .filter_map(|part| match part {
            Value::Text(text) => StreamId::parse(text).ok(),
            _ => None,
        })
        .collect();
    let ids = uuids(key).chain(named.iter().filter_map(StreamId::uuid));
    let kinds = [SubjectKind::Task, SubjectKind::Conversation];
    let meant: BTreeSet<StreamId> = ids
        .flat_map(|id| kinds.map(|kind| StreamId::of(kind.as_str(), id)))
        .collect();
    let others = named
        .into_iter()
        .filter(|stream| !meant.contains(stream))
        .collect::<Vec<_>>();
    meant.into_iter().chain(others).collect()
}

fn uuids(key: &Key) -> impl Iterator<Item = Uuid> + '_ {
    key.iter().filter_map(|part| match part {
        Value::Uuid(id) => Some(*id),
        _ => None,
    })
}
