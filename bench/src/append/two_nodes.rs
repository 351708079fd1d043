//! The same load on two nodes of one log as on one alone. Each node reads and judges what the other writes, so this tells
//! what a further node costs those that are there.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;

use super::node::LogNode;
use super::store_level::{IN_FLIGHT, STREAMS};
use super::streams::{Appender, Streams};
use super::{BENCH, ROUNDS};
use crate::closed_loop::{Load, closed_loop};
use crate::cost::{self, Meter};
use crate::measurement::{Measurement, Target};
use crate::samples::median;
use crate::servers::Servers;

/// In turns, each time on a new log, where nothing has to be loaded from the journal.
pub(super) async fn run(servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one.push(load_on(1, servers, window).await?);
        two.push(load_on(2, servers, window).await?);
    }
    let of = |rounds: &[Load]| median(rounds.iter().map(|load| load.per_second).collect());
    let mut rows = vec![
        Measurement::new(BENCH, "two nodes together", of(&two), "appends/s")
            .against("one node alone", of(&one))
            .wanted(Target::AtLeastTimesLimit(1.0)),
    ];
    rows.extend(cost::rows(
        BENCH,
        "one node alone",
        &one.iter().map(|load| &load.used).collect::<Vec<_>>(),
    ));
    rows.extend(cost::rows(
        BENCH,
        "two nodes together",
        &two.iter().map(|load| &load.used).collect::<Vec<_>>(),
    ));
    Ok(rows)
}

/// The clients and the streams are shared out evenly.
async fn load_on(count: usize, servers: &Servers, window: Duration) -> Result<Load> {
    let place = servers.new_place().await?;
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(LogNode::open(&place).await?);
    }
    let mut clients = Vec::new();
    for node in &nodes {
        let appender = Appender::new(node.store.clone(), &Arc::new(Streams::new(STREAMS / count)))?;
        clients.extend(std::iter::repeat_n(appender, IN_FLIGHT / count));
    }
    let journaler = nodes.first().map(LogNode::start_journaler);
    let load = closed_loop(clients, window, &Meter::of_this_process(servers)).await?;
    if let Some(journaler) = journaler {
        journaler.stop().await?;
    }
    for node in nodes {
        node.close().await;
    }
    place.remove().await?;
    Ok(load)
}
