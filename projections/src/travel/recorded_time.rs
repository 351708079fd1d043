//! From a time to a cut: which events had the log taken then?
//!
//! The clock of a log may go backwards, so what counts is its running maximum: everything before the first event that was recorded later. Each
//! partition of a log has a clock of its own; where the journal is the log there is one clock for all of it, and one sequence.
//!
//! The journal has no index on times of recording. Blocks of it are summed up once, in `control.recorded_time`, and only those blocks are
//! read in which the clock passes the wanted time or comes back to it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use event_store::{Cut, EventStore, PositionToken};
use serde::Serialize;
use sqlx::{PgConnection, PgPool};
use tokio::time::Instant;

use super::error::TravelError;
use crate::transaction;

/// Positions of one block; the table says so too.
const BLOCK: i64 = 8_192;
/// Blocks that are summed up with one statement.
const BLOCKS_AT_ONCE: i64 = 64;
/// Blocks that are read to tell how often the clock came back.
const BLOCKS_TOLD: usize = 32;
/// So long the journal may need for what is in the log by now.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(10);
const JOURNAL_PAUSE: Duration = Duration::from_millis(20);
/// After so long nothing is recorded with an earlier time any more, unless a clock is wrong.
const SETTLES: chrono::TimeDelta = chrono::TimeDelta::seconds(5);

/// A cut, and how sure it is that it is that of the time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocatedCut {
    /// The time.
    pub at: DateTime<Utc>,
    /// Everything that was recorded until then, the time itself included.
    pub cut: Cut,
    /// How sure that is.
    pub certainty: Certainty,
}

/// What may make the cut another one than a perfect clock would have shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Certainty {
    /// Nothing of what follows.
    pub exact: bool,
    /// Where the clock came back to the time after it had passed it.
    pub clock_went_back: Vec<ClockWentBack>,
    /// Events behind the cut that were recorded in the same millisecond as the time.
    pub in_the_same_millisecond: u64,
    /// The time has only just passed: the log might still take events with it.
    pub just_passed: bool,
}

/// A stretch of a partition in which the clock says "before" behind what it called "after".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockWentBack {
    /// The partition; none where the log has one clock for all.
    pub partition: Option<u32>,
    /// The cut there: the stretch begins here.
    pub from_offset: u64,
    /// With a right clock the cut lies somewhere up to here.
    pub to_offset: u64,
    /// Events in between that say they were recorded until the time.
    pub events: u64,
    /// By how much the clock went back at most, in milliseconds.
    pub by_ms: i64,
    /// There may be more of them: not all blocks were read.
    pub more: bool,
}

/// One block of the journal, or of a partition in it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Block {
    number: i64,
    sequence: i32,
    last_offset: i64,
    earliest: DateTime<Utc>,
    latest: DateTime<Utc>,
}

/// Where the clock passes a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Passage {
    /// The next offset behind the blocks that lie before.
    before: u64,
    /// The block in which it passes; none when it has not passed.
    block: Option<i64>,
    /// Blocks from there on that hold something recorded until the time.
    returns: Vec<i64>,
}

/// The blocks of one sequence, in order.
fn passage(blocks: &[Block], at: DateTime<Utc>) -> Passage {
    let place = blocks.iter().position(|block| block.latest > at);
    let (before, behind) = blocks.split_at(place.unwrap_or(blocks.len()));
    Passage {
        before: before.last().map_or(0, |last| last.last_offset.cast_unsigned() + 1),
        block: behind.first().map(|block| block.number),
        returns: behind
            .iter()
            .filter(|block| block.earliest <= at)
            .map(|block| block.number)
            .collect(),
    }
}

/// An event as far as time is concerned.
type Recorded = (u64, DateTime<Utc>);

/// The next offset behind the events that were recorded until the time, within the block in which the clock passes it.
fn next_within(before: u64, events: &[Recorded], at: DateTime<Utc>) -> u64 {
    let taken = events.iter().take_while(|(_, recorded)| *recorded <= at);
    taken.last().map_or(before, |(offset, _)| offset + 1)
}

/// The cut of a time. `progress` hears how much of the journal is summed up.
pub async fn locate(
    pool: &PgPool,
    store: &dyn EventStore,
    at: DateTime<Utc>,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<LocatedCut, TravelError> {
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()").fetch_one(pool).await?;
    if at > now {
        return Err(TravelError::InFuture { at, now });
    }
    let one_clock = wait_for_journal(pool, store).await?;
    sum_up(pool, store, &mut progress).await?;

    let mut snapshot = transaction::begin_with(pool, "begin isolation level repeatable read read only").await?;
    let mut sequences: BTreeMap<i32, Vec<Block>> = BTreeMap::new();
    for block in blocks(&mut snapshot, store, one_clock).await? {
        sequences.entry(block.sequence).or_default().push(block);
    }
    let mut cut = Cut::start();
    let mut certainty = Certainty {
        just_passed: now - at < SETTLES,
        ..Certainty::default()
    };
    for (sequence, blocks) in &sequences {
        let partition = (!one_clock).then_some(*sequence);
        let passage = passage(blocks, at);
        let next = match passage.block {
            None => passage.before,
            Some(block) => {
                let events = events(&mut snapshot, block, partition).await?;
                let next = next_within(passage.before, &events, at);
                let same = |(offset, recorded): &&Recorded| {
                    *offset >= next && *recorded > at && recorded.trunc_subsecs(3) == at.trunc_subsecs(3)
                };
                certainty.in_the_same_millisecond += events.iter().filter(same).count() as u64;
                next
            }
        };
        if let Some(stretch) = clock_went_back(&mut snapshot, &passage, partition, next, at).await? {
            certainty.clock_went_back.push(stretch);
        }
        match partition {
            Some(partition) => cut.raise(partition.cast_unsigned(), next),
            None => (0..store.partitions()).for_each(|partition| cut.raise(partition, next)),
        }
    }
    (0..store.partitions()).for_each(|partition| cut.raise(partition, 0));
    if cut.iter().all(|(_, next)| next == 0) {
        let first = sequences.values().flatten().map(|block| block.earliest).min();
        return Err(TravelError::BeforeFirst { at, first });
    }
    snapshot.rollback().await?;
    certainty.exact =
        certainty.clock_went_back.is_empty() && certainty.in_the_same_millisecond == 0 && !certainty.just_passed;
    Ok(LocatedCut { at, cut, certainty })
}

/// The cut that a token names, in all partitions. The answer to a command names its own partition alone: where the log has one order for
/// all, that is a place in it; elsewhere the others are taken as they were when its newest event was recorded.
pub async fn complete_token(
    pool: &PgPool,
    store: &dyn EventStore,
    token: &PositionToken,
) -> Result<(Cut, Option<LocatedCut>), TravelError> {
    if token.epoch != store.epoch() {
        return Err(TravelError::TokenOfAnotherLog);
    }
    let end = store.end().await?;
    for (partition, next) in token.cut.iter() {
        if next > end.next(partition) {
            return Err(TravelError::BeyondEnd {
                partition,
                next,
                end: end.next(partition),
            });
        }
    }
    let all = 0..store.partitions();
    if wait_for_journal(pool, store).await? {
        let furthest = token.cut.iter().map(|(_, next)| next).max().unwrap_or(0);
        return Ok((all.map(|partition| (partition, furthest)).collect(), None));
    }
    if all
        .clone()
        .all(|partition| token.cut.iter().any(|(named, _)| named == partition))
    {
        return Ok((token.cut.clone(), None));
    }
    let (partitions, offsets): (Vec<i32>, Vec<i64>) = token
        .cut
        .iter()
        .map(|(partition, next)| (partition.cast_signed(), next.cast_signed() - 1))
        .unzip();
    let newest: Option<DateTime<Utc>> = sqlx::query_scalar(
        "select max(recorded_at) from journal.events \
         join unnest($1::integer[], $2::bigint[]) as named (partition, last) on named.partition = events.partition and named.last = events.\"offset\"",
    )
    .bind(partitions)
    .bind(offsets)
    .fetch_one(pool)
    .await?;
    let newest = newest.ok_or(TravelError::JournalBehind)?;
    let located = locate(pool, store, newest, |_, _| {}).await?;
    let named = |partition| token.cut.iter().find(|(named, _)| *named == partition);
    let cut = all
        .map(|partition| named(partition).unwrap_or((partition, located.cut.next(partition))))
        .collect();
    Ok((cut, Some(located)))
}

/// Waits until the journal has what is in the log now. Is it the log itself, with one clock?
async fn wait_for_journal(pool: &PgPool, store: &dyn EventStore) -> Result<bool, TravelError> {
    let end = store.end().await?;
    let deadline = Instant::now() + JOURNAL_PATIENCE;
    loop {
        let kind: String = sqlx::query_scalar("select log_kind from journal.head")
            .fetch_one(pool)
            .await?;
        if kind == "postgresql" {
            return Ok(true);
        }
        let reached: Vec<(i32, i64)> = sqlx::query_as("select partition, next_offset from journal.checkpoints")
            .fetch_all(pool)
            .await?;
        let reached: Cut = reached
            .into_iter()
            .map(|(partition, next)| (partition.cast_unsigned(), next.cast_unsigned()))
            .collect();
        if reached.covers(&end) {
            return Ok(false);
        }
        if Instant::now() >= deadline {
            return Err(TravelError::JournalBehind);
        }
        tokio::time::sleep(JOURNAL_PAUSE).await;
    }
}

/// Sums up the blocks of the journal that are full and not summed up yet. Two may do so at once.
async fn sum_up(
    pool: &PgPool,
    store: &dyn EventStore,
    progress: &mut (impl FnMut(u64, u64) + Send),
) -> Result<(), TravelError> {
    // Positions become visible in order, so everything up to the last one is there.
    let (last, mut done): (i64, i64) = sqlx::query_as(
        "select coalesce((select max(position) from journal.events), 0), \
                coalesce((select max(block) + 1 from control.recorded_time where epoch = $1), 0)",
    )
    .bind(store.epoch().0)
    .fetch_one(pool)
    .await?;
    let full = last / BLOCK;
    while done < full {
        let to = (done + BLOCKS_AT_ONCE).min(full);
        sqlx::query(
            "insert into control.recorded_time (epoch, block, partition, first_offset, last_offset, earliest, latest) \
             select $1, (position - 1) / $4, partition, min(\"offset\"), max(\"offset\"), min(recorded_at), max(recorded_at) \
             from journal.events where position > $2 * $4 and position <= $3 * $4 group by 2, 3 \
             on conflict do nothing",
        )
        .bind(store.epoch().0)
        .bind(done)
        .bind(to)
        .bind(BLOCK)
        .execute(pool)
        .await?;
        done = to;
        progress(done.cast_unsigned(), full.cast_unsigned());
    }
    Ok(())
}

/// All blocks, the last one that is not full yet among them, in order.
async fn blocks(
    snapshot: &mut PgConnection,
    store: &dyn EventStore,
    one_clock: bool,
) -> Result<Vec<Block>, TravelError> {
    Ok(sqlx::query_as(
        "with summed as (select block, partition, last_offset, earliest, latest from control.recorded_time where epoch = $1), \
         newest as ( \
             select (position - 1) / $2 as block, partition, max(\"offset\") as last_offset, min(recorded_at) as earliest, max(recorded_at) as latest \
             from journal.events where position > coalesce((select max(block) + 1 from summed), 0) * $2 group by 1, 2 \
         ) \
         select block as number, case when $3 then 0 else partition end as sequence, \
                max(last_offset) as last_offset, min(earliest) as earliest, max(latest) as latest \
         from (select * from summed union all select * from newest) as blocks group by 1, 2 order by 1, 2",
    )
    .bind(store.epoch().0)
    .bind(BLOCK)
    .bind(one_clock)
    .fetch_all(snapshot)
    .await?)
}

/// The events of a block, of one partition or of all.
async fn events(snapshot: &mut PgConnection, block: i64, partition: Option<i32>) -> Result<Vec<Recorded>, TravelError> {
    let rows: Vec<(i64, DateTime<Utc>)> = sqlx::query_as(
        "select \"offset\", recorded_at from journal.events \
         where position > $1 * $3 and position <= ($1 + 1) * $3 and ($2::integer is null or partition = $2) order by \"offset\", index",
    )
    .bind(block)
    .bind(partition)
    .bind(BLOCK)
    .fetch_all(snapshot)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(offset, recorded)| (offset.cast_unsigned(), recorded))
        .collect())
}

async fn clock_went_back(
    snapshot: &mut PgConnection,
    passage: &Passage,
    partition: Option<i32>,
    next: u64,
    at: DateTime<Utc>,
) -> Result<Option<ClockWentBack>, TravelError> {
    let mut stretch = ClockWentBack {
        partition: partition.map(i32::cast_unsigned),
        from_offset: next,
        to_offset: next,
        events: 0,
        by_ms: 0,
        more: passage.returns.len() > BLOCKS_TOLD,
    };
    let mut highest = at;
    for block in passage.returns.iter().take(BLOCKS_TOLD) {
        for (offset, recorded) in events(snapshot, *block, partition).await? {
            highest = highest.max(recorded);
            if offset >= next && recorded <= at {
                stretch.events += 1;
                stretch.to_offset = offset + 1;
                stretch.by_ms = stretch.by_ms.max((highest - recorded).num_milliseconds());
            }
        }
    }
    Ok((stretch.events > 0).then_some(stretch))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn second(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + second, 0).unwrap()
    }

    /// Times of recording, as clocks show them: mostly forwards.
    fn recorded() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-3_i64..6, 1..80).prop_map(|steps| {
            let forwards = |now: &mut i64, step| {
                *now += step;
                Some(*now)
            };
            steps.into_iter().scan(50, forwards).collect()
        })
    }

    fn summed_up(times: &[i64], size: usize) -> Vec<Block> {
        let block = |(number, times): (usize, &[i64])| Block {
            number: i64::try_from(number).unwrap(),
            sequence: 0,
            last_offset: i64::try_from(number * size + times.len()).unwrap() - 1,
            earliest: second(*times.iter().min().unwrap()),
            latest: second(*times.iter().max().unwrap()),
        };
        times.chunks(size).enumerate().map(block).collect()
    }

    proptest! {
        #[test]
        fn everything_in_the_cut_was_recorded_until_then_and_nothing_that_was_is_left_out(
            times in recorded(), size in 1_usize..9, wanted in 40_i64..260,
        ) {
            let at = second(wanted);
            let passage = passage(&summed_up(&times, size), at);
            let next = match passage.block {
                None => passage.before,
                Some(block) => {
                    let from = usize::try_from(block).unwrap() * size;
                    let events: Vec<Recorded> = times.iter().enumerate().skip(from).take(size)
                        .map(|(offset, time)| (offset as u64, second(*time))).collect();
                    next_within(passage.before, &events, at)
                }
            };
            let next = usize::try_from(next).unwrap();
            let running_maximum = |offset: usize| times.iter().take(offset + 1).max().copied().unwrap();
            for offset in 0..times.len() {
                prop_assert_eq!(offset < next, running_maximum(offset) <= wanted, "offset {}", offset);
            }
            // Whatever the clock calls "before" behind the cut lies in a block that is named.
            for (offset, time) in times.iter().enumerate().skip(next) {
                let block = i64::try_from(offset / size).unwrap();
                prop_assert!(*time > wanted || passage.returns.contains(&block), "offset {}", offset);
            }
        }
    }
}
