//! The store under load: as many appends in flight as hundreds of connections make, over many streams.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::node::LogNode;
use super::open_loop::open_loop;
use super::producer_performance::ProducerPerformance;
use super::streams::{Appender, Streams};
use super::{BENCH, ROUNDS, content};
use crate::closed_loop::{Load, closed_loop};
use crate::cost::{self, Meter};
use crate::limit::kafka::contents;
use crate::measurement::{Measurement, Target, as_float};
use crate::samples::median;
use crate::servers::{Place, Servers};

pub(super) const IN_FLIGHT: usize = 1_024;
pub(super) const STREAMS: usize = 100_000;
const OF_LIMIT: f64 = 0.6;
const TAIL: f64 = 3.0;

/// Ours and the limit in turns on one log; then what a process meets that has just started on it.
pub(super) async fn run(servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    let place = servers.new_place().await?;
    let node = LogNode::open(&place).await?;
    let journaler = node.start_journaler();
    let meter = Meter::of_this_process(servers);
    let streams = Arc::new(Streams::new(STREAMS));
    let appender = Appender::new(node.store.clone(), &streams)?;
    let clients = || std::iter::repeat_n(appender.clone(), IN_FLIGHT);

    closed_loop(clients(), Duration::from_millis(200), &meter).await?;
    let record_bytes = contents(&place.brokers, &place.topic)?.mean_bytes();
    let mut like_ours = ProducerPerformance::new(&place.brokers, record_bytes)?;
    let mut rounds: Vec<Round> = Vec::new();
    let mut limits = Vec::new();
    for _ in 0..ROUNDS {
        limits.push(like_ours.run(window).await?);
        let load = closed_loop(clients(), window, &meter).await?;
        let lag = as_float(node.journal_lag().await?);
        let level_after = node.wait_until_journaled().await?;
        rounds.push(Round { load, lag, level_after });
    }
    let limit = median(limits);
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
    let per_second = of(|round| round.load.per_second);
    let mut rows = vec![
        Measurement::new(BENCH, "store level", per_second, "appends/s")
            .against("ProducerPerformance, records as large", limit)
            .wanted(Target::AtLeastTimesLimit(OF_LIMIT)),
        Measurement::new(BENCH, "store level p50", of(|round| round.load.times.p50()), "ms"),
        Measurement::new(BENCH, "store level p99", of(|round| round.load.times.p99()), "ms"),
        Measurement::new(
            BENCH,
            "store level journal behind at the end",
            of(|round| round.lag),
            "records",
        ),
        Measurement::new(
            BENCH,
            "store level until the journal has it all",
            of(Round::per_second_journaled),
            "appends/s",
        ),
        Measurement::new(BENCH, "store level refused", of(Round::refused), "appends"),
        Measurement::new(BENCH, "store level record", as_float(record_bytes as u64), "bytes"),
    ];
    rows.extend(cost::rows(
        BENCH,
        "store level",
        &rounds.iter().map(|round| &round.load.used).collect::<Vec<_>>(),
    ));

    let mut plain = ProducerPerformance::new(&place.brokers, content::EVENT_BYTES)?;
    let plain = plain.run(window).await?;
    rows.push(Measurement::new(
        BENCH,
        "ProducerPerformance, 300 bytes",
        plain,
        "records/s",
    ));

    let arrivals = open_loop(&appender, per_second / 2.0, window * 2).await?;
    node.wait_until_journaled().await?;
    let case = "store level at half the load";
    rows.extend([
        Measurement::new(BENCH, format!("{case} p99"), arrivals.times.p99(), "ms")
            .against("its own p50", arrivals.times.p50())
            .wanted(Target::TimesLimit(TAIL)),
        Measurement::new(BENCH, format!("{case} pace"), per_second / 2.0, "appends/s"),
        Measurement::new(BENCH, format!("{case} refused"), as_float(arrivals.refused), "appends"),
    ]);
    journaler.stop().await?;
    node.close().await;
    rows.extend(after_a_start(servers, &place, &streams, window).await?);
    place.remove().await?;
    Ok(rows)
}

/// A node that starts at the end of a long log knows nothing of its streams: each is loaded from the journal first.
async fn after_a_start(
    servers: &Servers,
    place: &Place,
    existing: &Arc<Streams>,
    window: Duration,
) -> Result<[Measurement; 2]> {
    let node = LogNode::open(place).await?;
    let journaler = node.start_journaler();
    let meter = Meter::of_this_process(servers);
    // So many that none is met twice, when it would be known.
    let streams = Arc::new(Streams::new(STREAMS * 4));
    let created = Appender::new(node.store.clone(), &streams)?;
    let created = closed_loop(std::iter::repeat_n(created, IN_FLIGHT), window, &meter).await?;
    node.wait_until_journaled().await?;
    existing.forget();
    let found = Appender::new(node.store.clone(), existing)?;
    let found = closed_loop(std::iter::repeat_n(found, IN_FLIGHT), window, &meter).await?;
    node.wait_until_journaled().await?;
    journaler.stop().await?;
    node.close().await;
    let row = |case: &str, load: &Load| Measurement::new(BENCH, case, load.per_second, "appends/s");
    Ok([
        row("store level after a start, new streams", &created),
        row("store level after a start, old streams", &found),
    ])
}

struct Round {
    load: Load,
    lag: f64,
    level_after: Duration,
}

impl Round {
    /// As if the clock had run until the journal was level: what can be sustained.
    fn per_second_journaled(&self) -> f64 {
        self.load.per_second * self.load.window.as_secs_f64() / (self.load.window + self.level_after).as_secs_f64()
    }

    fn refused(&self) -> f64 {
        as_float(self.load.refused)
    }
}
