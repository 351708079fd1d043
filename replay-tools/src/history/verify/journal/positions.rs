//! Global positions over all partitions: each given once. One walk along the index each, by the database.

use sqlx::PgConnection;

use super::super::error::VerifyError;
use super::super::finding::{Code, Finding, Findings};
use super::Kind;
use super::rows::unsigned;

/// Findings of one kind that one statement returns; there is no use in a million of them.
const MOST: i64 = 1_000;

/// A place with the position before it.
type Neighbours = (String, i64, i32, i64, i64, Option<i64>);

pub(super) async fn check(
    connection: &mut PgConnection,
    kind: Kind,
    head: i64,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let rows: Vec<Neighbours> = sqlx::query_as(
        r#"select stream, revision, partition, "offset", position, before from (
               select stream, revision, partition, "offset", position, lag(position) over (order by position) as before
               from journal.events
           ) as neighbours
           where position = before or ($3 and position > coalesce(before, 0) + 1) or position > $1
           order by position limit $2"#,
    )
    .bind(head)
    .bind(MOST)
    // A log elsewhere is compared row by row: a gap would only say again that a row is missing.
    .bind(kind == Kind::Own)
    .fetch_all(&mut *connection)
    .await?;
    for (stream, revision, partition, offset, position, before) in rows {
        let found = |code, sentence: String| {
            Finding::new(code, sentence)
                .at(u32::try_from(partition).unwrap_or(u32::MAX), unsigned(offset))
                .on(stream.as_str())
                .revision(unsigned(revision))
        };
        let previous = before.unwrap_or(0);
        if before == Some(position) {
            findings.add(found(
                Code::PositionTwice,
                format!("position {position} belongs to another event too"),
            ));
        } else if position > head {
            let sentence = format!("it has position {position}, and only those up to {head} were given");
            findings.add(found(Code::PositionBeyondHead, sentence));
        } else {
            findings.add(found(Code::PositionMissing, missing(previous, position)));
        }
    }
    if kind == Kind::Own {
        check_end(connection, head, findings).await?;
    }
    Ok(())
}

/// The last events of a log can be missed nowhere else.
async fn check_end(connection: &mut PgConnection, head: i64, findings: &mut Findings) -> Result<(), VerifyError> {
    let last: i64 = sqlx::query_scalar("select coalesce(max(position), 0) from journal.events")
        .fetch_one(connection)
        .await?;
    if last < head {
        findings.add(Finding::new(Code::PositionMissing, missing(last, head + 1)));
    }
    Ok(())
}

fn missing(before: i64, after: i64) -> String {
    let (first, last) = (before + 1, after - 1);
    if first == last {
        format!("position {first} was given, and no event has it: the event was lost")
    } else {
        format!("positions {first} to {last} were given, and no event has them: the events were lost")
    }
}

/// Rows that no reader of a partition comes across.
pub(super) async fn check_partitions(
    connection: &mut PgConnection,
    partitions: i32,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let rows: Vec<(String, i64, i32, i64)> = sqlx::query_as(
        r#"select stream, revision, partition, "offset" from journal.events
           where partition < 0 or partition >= $1 order by partition, "offset", index limit $2"#,
    )
    .bind(partitions)
    .bind(MOST)
    .fetch_all(connection)
    .await?;
    for (stream, revision, partition, offset) in rows {
        let sentence = format!("the row is of partition {partition}, and the log has {partitions}");
        findings.add(
            Finding::new(Code::RowExtra, sentence)
                .at(u32::try_from(partition).unwrap_or(u32::MAX), unsigned(offset))
                .on(stream)
                .revision(unsigned(revision)),
        );
    }
    Ok(())
}
