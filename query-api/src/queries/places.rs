//! Places in the journal, for those who tell what is new since a position.

use event_store::{Cut, PositionToken};

use crate::error::QueryError;
use crate::snapshot::OpenSnapshot;

/// The cut of a position token, which must be of this log.
pub(crate) fn cut_of(snapshot: &OpenSnapshot, token: &str) -> Result<Cut, QueryError> {
    let token = PositionToken::decode(token)
        .map_err(|_| QueryError::TokenInvalid("`after` is not a position token of ours"))?;
    if token.epoch == snapshot.epoch() {
        Ok(token.cut)
    } else {
        Err(QueryError::TokenOfAnotherLog)
    }
}

/// The first position that holds something beyond the cut; behind the last one when nothing does. Everything below it is covered.
pub(crate) async fn position_of(snapshot: &mut OpenSnapshot, cut: &Cut) -> Result<i64, QueryError> {
    let to_signed = |(partition, _): (u32, u64)| (partition.cast_signed(), cut.next(partition).cast_signed());
    let (partitions, offsets): (Vec<i32>, Vec<i64>) = snapshot.cut().iter().map(to_signed).unzip();
    let position = sqlx::query_scalar(
        "SELECT coalesce( \
             (SELECT min(first.position) FROM unnest($1::integer[], $2::bigint[]) AS cut (partition, next_offset) \
              CROSS JOIN LATERAL (SELECT e.position FROM journal.events e WHERE e.partition = cut.partition AND e.\"offset\" >= cut.next_offset \
                                  ORDER BY e.\"offset\", e.index LIMIT 1) AS first), \
             (SELECT max(position) + 1 FROM journal.events), 0)",
    )
    .bind(partitions)
    .bind(offsets)
    .fetch_one(snapshot.connection())
    .await?;
    Ok(position)
}

/// The last revision of a stream that the cut covers; none when nothing of it is.
pub(crate) async fn revision_of(
    snapshot: &mut OpenSnapshot,
    stream: &str,
    cut: &Cut,
) -> Result<Option<i64>, QueryError> {
    let to_signed = |(partition, next): (u32, u64)| (partition.cast_signed(), next.cast_signed());
    let (partitions, offsets): (Vec<i32>, Vec<i64>) = cut.iter().map(to_signed).unzip();
    let revision = sqlx::query_scalar(
        "SELECT max(e.revision) FROM journal.events e JOIN unnest($2::integer[], $3::bigint[]) AS cut (partition, next_offset) \
         ON cut.partition = e.partition AND e.\"offset\" < cut.next_offset WHERE e.stream = $1",
    )
    .bind(stream)
    .bind(partitions)
    .bind(offsets)
    .fetch_one(snapshot.connection())
    .await?;
    Ok(revision)
}
