//! So many clients, each with one thing under way at a time and no rest between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::cost::{Meter, Used};
use crate::measurement::as_float;
use crate::samples::Samples;

/// Before the clock starts; long enough for connections, caches and the first batches.
const WARM_UP: Duration = Duration::from_secs(1);

/// Does one thing after another.
pub(crate) trait Client: Send + 'static {
    /// Does it once. An error ends the measurement.
    fn turn(&mut self) -> impl Future<Output = Result<Turn>> + Send;
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is done.
    Done,
    /// The system had too much to do and said so; the client has waited a moment.
    Refused,
}

/// What was done while the clock ran.
pub(crate) struct Load {
    /// How long the clock ran.
    pub(crate) window: Duration,
    pub(crate) per_second: f64,
    pub(crate) times: Samples,
    /// Done, before the clock started and after it stopped too.
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) used: Used,
}

#[derive(Default)]
struct Shared {
    counting: AtomicBool,
    stopping: AtomicBool,
    done: AtomicU64,
    refused: AtomicU64,
}

/// Lets the clients work until the window is over and what they have under way has ended.
pub(crate) async fn closed_loop<C: Client>(
    clients: impl IntoIterator<Item = C>,
    window: Duration,
    meter: &Meter,
) -> Result<Load> {
    let shared = Arc::new(Shared::default());
    let mut working = JoinSet::new();
    for client in clients {
        working.spawn(work(client, Arc::clone(&shared)));
    }
    let warm_up = sleep(WARM_UP.min(window));
    tokio::select! {
        () = warm_up => {}
        // None ends by itself unless it failed.
        Some(ended) = working.join_next() => drop(ended??),
    }
    shared.counting.store(true, Ordering::Relaxed);
    let (started, before, used_before) = (Instant::now(), shared.done.load(Ordering::Relaxed), meter.now());
    tokio::select! {
        () = sleep(window) => {}
        Some(ended) = working.join_next() => drop(ended??),
    }
    let (taken, after) = (started.elapsed(), shared.done.load(Ordering::Relaxed));
    let used = meter.since(&used_before, after - before);
    shared.counting.store(false, Ordering::Relaxed);
    shared.stopping.store(true, Ordering::Relaxed);
    let mut times = Samples::default();
    while let Some(ended) = working.join_next().await {
        times.extend(ended??);
    }
    ensure!(after > before, "nothing was done in {taken:?}");
    Ok(Load {
        window: taken,
        per_second: as_float(after - before) / taken.as_secs_f64(),
        times,
        done: shared.done.load(Ordering::Relaxed),
        refused: shared.refused.load(Ordering::Relaxed),
        used,
    })
}

async fn work<C: Client>(mut client: C, shared: Arc<Shared>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !shared.stopping.load(Ordering::Relaxed) {
        let started = Instant::now();
        match client.turn().await? {
            Turn::Done => {
                shared.done.fetch_add(1, Ordering::Relaxed);
                if shared.counting.load(Ordering::Relaxed) {
                    times.push(started.elapsed());
                }
            }
            Turn::Refused => {
                shared.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(times)
}
