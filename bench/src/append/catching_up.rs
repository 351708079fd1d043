//! The journaler with a full log before it: nothing but its own speed counts.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use event_store::{Cut, EventStore as _};
use tokio::task::JoinSet;

use super::node::{LogNode, OpenedLog};
use super::streams::{Appender, Streams};
use super::{BENCH, ROUNDS};
use crate::closed_loop::Turn;
use crate::cost::{self, Meter, Used};
use crate::limit::postgres::copy_of_journal;
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::median;
use crate::servers::{Place, Servers};

const OF_LIMIT: f64 = 0.6;
/// So many fill a round's time on a slow machine.
const RECORDS_A_SECOND: usize = 40_000;
/// A node refuses to write further ahead of the journal than half its window, in each of the 16 partitions.
const MOST_RECORDS: usize = 400_000;
const IN_FLIGHT: usize = 512;

/// One log, an empty database for each round.
pub(super) async fn run(servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    let place = servers.new_place().await?;
    let seconds = usize::try_from(window.as_secs())?.max(1);
    let records = (RECORDS_A_SECOND * seconds).min(MOST_RECORDS);
    let end = fill(&place, records).await?;
    let meter = Meter::of_this_process(servers);
    let (mut rates, mut limits, mut used): (Vec<f64>, Vec<f64>, Vec<Used>) = Default::default();
    for _ in 0..ROUNDS {
        let round = round(servers, &place, &end, records as u64, &meter).await?;
        rates.push(round.rate);
        limits.push(round.limit);
        used.push(round.used);
    }
    place.remove().await?;
    let mut rows = vec![
        Measurement::new(BENCH, "journaler catching up", median(rates), "events/s")
            .against("COPY of the same journal rows", median(limits))
            .wanted(Target::AtLeastTimesLimit(OF_LIMIT)),
    ];
    rows.extend(cost::rows(
        BENCH,
        "journaler catching up",
        &used.iter().collect::<Vec<_>>(),
    ));
    Ok(rows)
}

/// Appends that many events, each to a stream of its own, with nobody journaling; returns the end of the log.
async fn fill(place: &Place, records: usize) -> Result<Cut> {
    let node = LogNode::open(place).await?;
    let appender = Appender::new(node.store.clone(), &Arc::new(Streams::new(records)))?;
    let mut authors = JoinSet::new();
    for author in 0..IN_FLIGHT {
        let appender = appender.clone();
        let share = (author..records).step_by(IN_FLIGHT).len();
        authors.spawn(async move {
            for _ in 0..share {
                ensure!(appender.append().await? == Turn::Done, "an append was refused");
            }
            Ok(())
        });
    }
    while let Some(ended) = authors.join_next().await {
        ended??;
    }
    drop(appender);
    let end = node.store.end().await?;
    node.close().await;
    Ok(end)
}

struct Round {
    rate: f64,
    limit: f64,
    used: Used,
}

async fn round(servers: &Servers, log: &Place, end: &Cut, records: u64, meter: &Meter) -> Result<Round> {
    let place = servers.new_place().await?;
    let opened = OpenedLog::open(log, &place).await?;
    let before = meter.now();
    let journaler = opened.start_journaler();
    let taken = opened.wait_until_journaled(end).await?;
    let used = meter.since(&before, records);
    journaler.stop().await?;
    opened.close().await;
    let (rows, copied_in) = copy_of_journal(&place.database_url).await?;
    ensure!(
        rows == records,
        "{records} events are in the log and {rows} in the journal"
    );
    place.remove().await?;
    Ok(Round {
        rate: as_float(records) / taken.as_secs_f64(),
        limit: as_float(rows) / copied_in.as_secs_f64(),
        used,
    })
}
