//! The journal and the read models, by SQL.

use anyhow::{Context as _, Result};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use super::{Check, JournaledEvent};

/// All events, by stream and revision.
pub(super) async fn events(pool: &PgPool) -> Result<Vec<JournaledEvent>> {
    let sql = "select stream::text, revision, partition, \"offset\", index, command from journal.events order by stream, revision";
    let rows: Vec<(String, i64, i32, i64, i32, Uuid)> = sqlx::query_as(sql).fetch_all(pool).await?;
    let events = rows
        .into_iter()
        .map(|(stream, revision, partition, offset, index, command)| {
            Ok(JournaledEvent {
                stream,
                revision: u64::try_from(revision)?,
                partition: u32::try_from(partition)?,
                offset: u64::try_from(offset)?,
                index: u64::try_from(index)?,
                command,
            })
        });
    events.collect()
}

pub(super) async fn checks(pool: &PgPool, events: &[JournaledEvent]) -> Result<Vec<Check>> {
    Ok(vec![
        revisions(events),
        positions(pool).await?,
        read_model(pool, "conversation").await?,
        read_model(pool, "task").await?,
    ])
}

fn revisions(events: &[JournaledEvent]) -> Check {
    let mut check =
        Check::new("the revisions of every stream are 0, 1, 2 and so on, and its commits are in the order of the log");
    let mut before: Option<&JournaledEvent> = None;
    for event in events {
        let holds = match before {
            Some(before) if before.stream == event.stream => {
                before.revision + 1 == event.revision
                    && before.partition == event.partition
                    && (before.offset, before.index) < (event.offset, event.index)
            }
            _ => event.revision == 0,
        };
        check.look(holds, || format!("{event:?} follows {before:?}"));
        before = Some(event);
    }
    check
}

async fn positions(pool: &PgPool) -> Result<Check> {
    let mut check = Check::new("global positions are 1, 2, 3 and so on, and no id of an event comes twice");
    let sql = "select coalesce(max(position), 0), count(*), count(distinct id), (select position from journal.head) from journal.events";
    let (last, count, ids, head): (i64, i64, i64, i64) = sqlx::query_as(sql).fetch_one(pool).await?;
    check.items = u64::try_from(count)?;
    if last != count || ids != count || head != count {
        check.violations = 1;
        check.quoted.push(format!(
            "{count} events, the last at {last}, {ids} ids, the head at {head}"
        ));
    }
    Ok(check)
}

/// A row for each stream, as new as the stream.
async fn read_model(pool: &PgPool, model: &str) -> Result<Check> {
    let mut check = Check::new(&format!(
        "the read model of each {model} is at the stream's last revision"
    ));
    let sql = "select schema_name from control.generation join control.serving on serving.generation = generation.id";
    let schema: String = sqlx::query_scalar(sql)
        .fetch_one(pool)
        .await
        .context("no generation serves")?;
    let sql = format!(
        "select coalesce(stream.name, '{model}-' || row.id), stream.last, row.revision \
         from (select stream::text as name, max(revision) as last from journal.events where stream like '{model}-%' group by stream) as stream \
         full join {schema}.{model} as row on stream.name = '{model}-' || row.id"
    );
    let rows: Vec<(String, Option<i64>, Option<i64>)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(pool).await?;
    for (stream, last, shown) in rows {
        check.look(last == shown, || {
            format!("{stream} is at {last:?}, and its row at {shown:?}")
        });
    }
    Ok(check)
}
