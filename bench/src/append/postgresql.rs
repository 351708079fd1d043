//! The embedded store under load: group commit against single rows.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use event_store::EventStore;
use event_store::postgres::PostgresStore;

use super::node::{close, connect};
use super::pgbench::Pgbench;
use super::store_level::STREAMS;
use super::streams::{Appender, Streams};
use super::{BENCH, ROUNDS};
use crate::closed_loop::{Load, closed_loop};
use crate::cost::{self, Meter};
use crate::measurement::{Measurement, Target};
use crate::samples::median;
use crate::servers::{PARTITIONS, Servers};

/// Appends in flight, and how many times the limit they must reach.
const LOADS: [(usize, f64); 2] = [(64, 1.5), (1_024, 3.0)];

/// All loads and the limit in turns on one database.
pub(super) async fn run(servers: &Servers, window: Duration) -> Result<Vec<Measurement>> {
    let place = servers.new_place().await?;
    let pool = connect(&place.database_url).await?;
    let store: Arc<dyn EventStore> = Arc::new(PostgresStore::open(pool.clone(), PARTITIONS.unsigned_abs()).await?);
    let meter = Meter::of_this_process(servers);
    let appender = Appender::new(store, &Arc::new(Streams::new(STREAMS)))?;
    let first = closed_loop([appender.clone()], Duration::from_millis(200), &meter).await?;
    let pgbench = Pgbench::new(&pool, &place.database_url).await?;
    let mut written = first.done;
    let mut limits = Vec::new();
    let mut rounds: [Vec<Load>; LOADS.len()] = Default::default();
    for _ in 0..ROUNDS {
        limits.push(pgbench.run(window).await?);
        for (rounds, (in_flight, _)) in rounds.iter_mut().zip(LOADS) {
            let load = closed_loop(std::iter::repeat_n(appender.clone(), in_flight), window, &meter).await?;
            written += load.done;
            rounds.push(load);
        }
    }
    let rows: i64 = sqlx::query_scalar("select count(*) from journal.events")
        .fetch_one(&pool)
        .await?;
    ensure!(
        u64::try_from(rows)? == written,
        "{written} appends succeeded, but the journal has {rows} events"
    );
    drop(appender);
    close(&pool).await;
    place.remove().await?;

    let limit = median(limits);
    let mut rows = Vec::new();
    for (rounds, (in_flight, times)) in rounds.iter().zip(LOADS) {
        let of = |figure: fn(&Load) -> f64| median(rounds.iter().map(figure).collect());
        let case = format!("postgresql {in_flight} in flight");
        rows.extend([
            Measurement::new(BENCH, case.as_str(), of(|load| load.per_second), "appends/s")
                .against("pgbench, single rows as large, 64 clients", limit)
                .wanted(Target::AtLeastTimesLimit(times)),
            Measurement::new(BENCH, format!("{case} p50"), of(|load| load.times.p50()), "ms"),
            Measurement::new(BENCH, format!("{case} p99"), of(|load| load.times.p99()), "ms"),
        ]);
        rows.extend(cost::rows(
            BENCH,
            &case,
            &rounds.iter().map(|load| &load.used).collect::<Vec<_>>(),
        ));
    }
    Ok(rows)
}
