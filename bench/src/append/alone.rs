//! One append alone: nothing waits with it, so nothing but its own way counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::BENCH;
use super::node::LogNode;
use super::store_level::STREAMS;
use super::streams::{Appender, Streams};
use crate::closed_loop::Turn;
use crate::limit::kafka::{RawProducer, contents, record_like};
use crate::measurement::{Measurement, Target};
use crate::samples::Samples;
use crate::servers::Servers;

const WARM_UP: usize = 200;
const ROUNDS: usize = 20;
const APPENDS_A_ROUND: usize = 100;
const LINGER_MS: &str = "0";
const TIMES: f64 = 2.0;

/// Both in rounds, so that a change of the machine's mood meets both.
pub(super) async fn run(servers: &Servers) -> Result<Vec<Measurement>> {
    let place = servers.new_place().await?;
    let node = LogNode::open(&place).await?;
    let journaler = node.start_journaler();
    let appender = Appender::new(node.store.clone(), &Arc::new(Streams::new(STREAMS)))?;
    for _ in 0..WARM_UP {
        append(&appender).await?;
    }
    let record = record_like(contents(&place.brokers, &place.topic)?);
    let producer = RawProducer::new(&place.brokers, LINGER_MS).await?;
    for _ in 0..WARM_UP {
        producer.round_trip(&record)?;
    }
    let (mut appends, mut round_trips) = (Samples::default(), Samples::default());
    for _ in 0..ROUNDS {
        round_trips.next_round();
        for _ in 0..APPENDS_A_ROUND {
            round_trips.add(producer.round_trip(&record)?);
        }
        appends.next_round();
        for _ in 0..APPENDS_A_ROUND {
            appends.add(append(&appender).await?);
        }
    }
    producer.remove().await?;
    journaler.stop().await?;
    node.close().await;
    place.remove().await?;
    let limit_name = "one produce, acks=all, linger 0";
    Ok(vec![
        Measurement::new(BENCH, "alone p50", appends.p50(), "ms")
            .against(limit_name, round_trips.p50())
            .wanted(Target::TimesLimit(TIMES)),
        Measurement::new(BENCH, "alone p99", appends.p99(), "ms").against(limit_name, round_trips.p99()),
    ])
}

async fn append(appender: &Appender) -> Result<Duration> {
    let started = Instant::now();
    let turn = appender.append().await?;
    let taken = started.elapsed();
    ensure!(turn == Turn::Done, "an idle store refused an append");
    Ok(taken)
}
