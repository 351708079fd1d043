//! A row that many streams add to.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{EventPlace, Explanation, Parting, PartingSearch};
use crate::coalesce::{Row, RowChange};
use crate::error::ProjectionError;
use crate::operation::Key;
use crate::table::TableDefinition;
use crate::value::Value;

/// What is known about why the sums differ.
pub(super) async fn find(
    search: &PartingSearch<'_>,
    connection: &mut PgConnection,
    table: &'static TableDefinition,
    key: &Key,
    (generation, log): (Option<Row>, Option<Row>),
) -> Result<Parting, ProjectionError> {
    let Some(streams) = search.streams_that_add(connection, key).await? else {
        let reason = "too many streams may add to the row".to_owned();
        return Ok(Parting::Unknown { reason });
    };
    let (generation, log) = (numbers(table, generation.as_ref()), numbers(table, log.as_ref()));
    let more: Vec<i64> = generation.iter().zip(&log).map(|(one, other)| one - other).collect();
    let less: Vec<i64> = more.iter().map(|by| -by).collect();
    let (mut adding, mut events, mut explained_by) = (0, 0, None);
    let mut first: Option<EventPlace> = None;
    let mut total = vec![0; table.columns.len()];
    for stream in streams {
        let touches = match search.touches(table, key, &stream).await? {
            Ok(touches) => touches,
            Err(reason) => return Ok(Parting::Unknown { reason }),
        };
        adding += u64::from(!touches.is_empty());
        for touch in touches {
            events += 1;
            let deltas = deltas(table, &touch.change);
            for (sum, delta) in total.iter_mut().zip(&deltas) {
                *sum += delta;
            }
            if explained_by.is_none() && (deltas == more || deltas == less) {
                explained_by = Some(Explanation {
                    event: touch.event.clone(),
                    twice: deltas == more,
                });
            }
            first.get_or_insert(touch.event);
        }
    }
    let name = |place: usize| table.columns.get(place).map(|column| column.name.to_owned());
    match first {
        Some(event) if total != log => {
            let places = (0..total.len()).filter(|place| total.get(*place) != log.get(*place));
            Ok(Parting::Unstable {
                event,
                columns: places.filter_map(name).collect(),
            })
        }
        None => Ok(Parting::FromNothing),
        Some(_) => {
            let more = more.into_iter().enumerate().filter(|(_, by)| *by != 0);
            let more: BTreeMap<String, i64> = more.filter_map(|(place, by)| Some((name(place)?, by))).collect();
            Ok(Parting::Sums {
                more,
                streams: adding,
                events,
                explained_by,
            })
        }
    }
}

/// A row that is not there counts nothing.
fn numbers(table: &TableDefinition, row: Option<&Row>) -> Vec<i64> {
    let number = |place: usize| match row.and_then(|row| row.get(place)) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    (0..table.columns.len()).map(number).collect()
}

fn deltas(table: &TableDefinition, change: &RowChange) -> Vec<i64> {
    let delta = |place| match change {
        RowChange::Modify { add, .. } => add.get(&place).copied().unwrap_or(0),
        RowChange::Create(_) | RowChange::Replace(_) => 0,
    };
    (0..table.columns.len()).map(delta).collect()
}
