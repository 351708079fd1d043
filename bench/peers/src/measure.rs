//! Clients that append without a rest, and what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How much of what.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// Streams; each belongs to one client.
    #[arg(long)]
    pub streams: usize,
    /// Clients, each with one append under way at a time.
    #[arg(long)]
    pub clients: usize,
    /// Bytes of an event's data.
    #[arg(long)]
    pub bytes: usize,
    /// Seconds before the clock starts.
    #[arg(long)]
    pub warm_up: f64,
    /// Seconds that count.
    #[arg(long)]
    pub seconds: f64,
}

/// What was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Appends that succeeded, those before the clock started too: so many rows must be there.
    appended: u64,
    /// Of those that ended while the clock ran.
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Appends that had to be repeated although nobody else wrote to their stream.
    retries: u64,
}

/// A client of one store: appends one event to one of its streams, expecting the version that it left it at.
pub trait Appender: Send + 'static {
    /// Returns how often it had to be repeated.
    fn append(&mut self, stream: usize) -> impl Future<Output = Result<u64>> + Send;
}

#[derive(Default)]
struct Shared {
    counting: AtomicBool,
    stopping: AtomicBool,
    appended: AtomicU64,
    retries: AtomicU64,
}

/// Runs as many clients as planned; client `c` owns the streams `c`, `c + clients`, ...
pub async fn measure<A: Appender>(plan: &Plan, make: impl Fn(usize) -> A) -> Result<Report> {
    let shared = Arc::new(Shared::default());
    let mut clients = JoinSet::new();
    for client in 0..plan.clients {
        let streams: Vec<usize> = (client..plan.streams).step_by(plan.clients).collect();
        clients.spawn(append_until_stopped(make(client), streams, Arc::clone(&shared)));
    }
    sleep(Duration::from_secs_f64(plan.warm_up)).await;
    shared.counting.store(true, Ordering::Relaxed);
    let (started, before) = (Instant::now(), shared.appended.load(Ordering::Relaxed));
    sleep(Duration::from_secs_f64(plan.seconds)).await;
    let (taken, after) = (started.elapsed(), shared.appended.load(Ordering::Relaxed));
    shared.counting.store(false, Ordering::Relaxed);
    shared.stopping.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    while let Some(ended) = clients.join_next().await {
        times.extend(ended??);
    }
    times.sort_unstable_by(f64::total_cmp);
    #[allow(clippy::cast_precision_loss, reason = "far below where a double counts in steps")]
    let per_second = (after - before) as f64 / taken.as_secs_f64();
    Ok(Report {
        appended: shared.appended.load(Ordering::Relaxed),
        per_second,
        p50_ms: quantile(&times, 50),
        p99_ms: quantile(&times, 99),
        retries: shared.retries.load(Ordering::Relaxed),
    })
}

/// Milliseconds of the appends that ended while the clock ran.
async fn append_until_stopped<A: Appender>(
    mut appender: A,
    streams: Vec<usize>,
    shared: Arc<Shared>,
) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for stream in streams.into_iter().cycle() {
        if shared.stopping.load(Ordering::Relaxed) {
            break;
        }
        let started = Instant::now();
        let retries = appender.append(stream).await?;
        shared.appended.fetch_add(1, Ordering::Relaxed);
        shared.retries.fetch_add(retries, Ordering::Relaxed);
        if shared.counting.load(Ordering::Relaxed) {
            times.push(started.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    Ok(times)
}

fn quantile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(rank).copied().unwrap_or_default()
}
