//! What of the copies is in the log already, as the journal tells.

use anyhow::Result;
use event_store::Cut;
use sqlx::PgPool;

use super::Copy;

/// The first copy that may not be whole. Copies are begun in order, and at most `at_once` are on their way together: all before one that is whole,
/// but for the last few, are whole too.
pub(super) async fn first_to_send(copies: &[Copy], at_once: usize, pool: &PgPool) -> Result<usize> {
    let (mut whole, mut unknown) = (0, copies.len());
    while whole < unknown {
        let middle = whole.midpoint(unknown);
        match copies.get(middle) {
            Some(copy) if is_whole(copy, pool).await? => whole = middle + 1,
            _ => unknown = middle,
        }
    }
    let mut first = whole.saturating_sub(at_once);
    while let Some(copy) = copies.get(first) {
        if !is_whole(copy, pool).await? {
            break;
        }
        first += 1;
    }
    Ok(first)
}

async fn is_whole(copy: &Copy, pool: &PgPool) -> Result<bool> {
    let streams = copy.streams()?;
    let streams: Vec<&str> = streams.iter().map(domain::StreamId::as_str).collect();
    let events: i64 = sqlx::query_scalar(
        // Each stream looked up by the key: for a plan over all of them the planner might read the whole journal.
        "select coalesce(sum(found.events), 0)::bigint from unnest($1::text[]) as wanted (stream) \
         cross join lateral (select count(*) as events from journal.events where events.stream = wanted.stream) as found",
    )
    .bind(&streams)
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(events)? == copy.events())
}

/// How far the journal covers the log. A journal that is the log covers it all.
pub(super) async fn journaled(pool: &PgPool, end: &Cut) -> Result<Cut> {
    let checkpoints: Vec<(i32, i64)> = sqlx::query_as("select partition, next_offset from journal.checkpoints")
        .fetch_all(pool)
        .await?;
    if checkpoints.is_empty() {
        return Ok(end.clone());
    }
    let next = checkpoints
        .into_iter()
        .map(|(partition, next)| (partition.cast_unsigned(), next.cast_unsigned()));
    Ok(next.collect())
}
