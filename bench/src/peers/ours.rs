//! Our stores, asked like the others: an append names what it knows of its stream.

use std::sync::Arc;

use anyhow::{Result, ensure};
use event_store::EventStore;
use event_store::postgres::PostgresStore;

use super::Round;
use super::program::Plan;
use crate::append::{Appender, LogNode, Streams, close, connect};
use crate::closed_loop::closed_loop;
use crate::cost::Meter;
use crate::servers::{PARTITIONS, Place, Servers};

pub(super) async fn on_postgresql(plan: &Plan, place: &Place, servers: &Servers) -> Result<(u64, Round)> {
    let pool = connect(&place.database_url).await?;
    let store = Arc::new(PostgresStore::open(pool.clone(), PARTITIONS.unsigned_abs()).await?);
    let outcome = load(store, plan, servers).await?;
    close(&pool).await;
    Ok(outcome)
}

/// Rows are counted in the journal, so it is waited for; that is outside the clock.
pub(super) async fn on_kafka(plan: &Plan, place: &Place, servers: &Servers) -> Result<(u64, Round)> {
    let node = LogNode::open(place).await?;
    let journaler = node.start_journaler();
    let outcome = load(node.store.clone(), plan, servers).await?;
    node.wait_until_journaled().await?;
    journaler.stop().await?;
    node.close().await;
    Ok(outcome)
}

async fn load(store: Arc<dyn EventStore>, plan: &Plan, servers: &Servers) -> Result<(u64, Round)> {
    let appender = Appender::new(store, &Arc::new(Streams::new(plan.streams)))?;
    let clients = std::iter::repeat_n(appender, plan.clients);
    let load = closed_loop(clients, plan.window, &Meter::of_this_process(servers)).await?;
    ensure!(load.refused == 0, "{} appends were refused", load.refused);
    let round = Round {
        per_second: load.per_second,
        p50_ms: load.times.p50(),
        p99_ms: load.times.p99(),
        retries: 0.0,
    };
    Ok((load.done, round))
}
