//! Appends that arrive at an even pace, whether the ones before have ended or not. Each is timed from the moment it was due,
//! so that a stall counts for all that it delays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::streams::Appender;
use crate::closed_loop::Turn;
use crate::samples::Samples;

/// Arrivals before the clock starts.
const WARM_UP: Duration = Duration::from_secs(1);
/// More than this under way means that the pace cannot be kept.
const MOST_UNDER_WAY: u64 = 16_384;

/// What came of it.
pub(super) struct Arrivals {
    pub(super) times: Samples,
    pub(super) refused: u64,
}

/// Lets so many appends a second arrive.
pub(super) async fn open_loop(appender: &Appender, per_second: f64, window: Duration) -> Result<Arrivals> {
    let pace = Pace {
        appender: appender.clone(),
        interval: Duration::from_secs_f64(1.0 / per_second),
        window,
        under_way: Arc::default(),
        failed: Arc::default(),
    };
    let (ended, mut endings) = unbounded_channel();
    let runtime = Handle::current();
    // A thread of its own: the timers of the runtime go in steps of a millisecond.
    let pacing = std::thread::Builder::new()
        .name("pace".to_owned())
        .spawn(move || pace.run(&runtime, &ended))
        .context("no thread for the pace")?;
    let mut times = Samples::default();
    let mut refused = 0;
    let mut outcome = Ok(());
    while let Some(ending) = endings.recv().await {
        match ending {
            Ok(Ending {
                counts: true,
                turn: Turn::Done,
                taken,
            }) => times.add(taken),
            Ok(Ending { turn: Turn::Done, .. }) => {}
            Ok(Ending {
                turn: Turn::Refused, ..
            }) => refused += 1,
            Err(error) => outcome = Err(error),
        }
    }
    outcome?;
    pacing
        .join()
        .map_err(|_| anyhow!("the thread of the pace panicked"))??;
    Ok(Arrivals { times, refused })
}

struct Ending {
    counts: bool,
    turn: Turn,
    taken: Duration,
}

struct Pace {
    appender: Appender,
    interval: Duration,
    window: Duration,
    under_way: Arc<AtomicU64>,
    failed: Arc<AtomicBool>,
}

impl Pace {
    fn run(self, runtime: &Handle, ended: &UnboundedSender<Result<Ending>>) -> Result<()> {
        let started = Instant::now();
        let end = started + WARM_UP + self.window;
        let mut due = started;
        while due < end && !self.failed.load(Ordering::Relaxed) {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let under_way = self.under_way.fetch_add(1, Ordering::Relaxed);
            ensure!(
                under_way < MOST_UNDER_WAY,
                "half the load cannot be kept: {under_way} appends are under way"
            );
            self.arrive(runtime, ended.clone(), due, due >= started + WARM_UP);
            due += self.interval;
        }
        Ok(())
    }

    fn arrive(&self, runtime: &Handle, ended: UnboundedSender<Result<Ending>>, due: Instant, counts: bool) {
        let (appender, under_way, failed) = (
            self.appender.clone(),
            Arc::clone(&self.under_way),
            Arc::clone(&self.failed),
        );
        runtime.spawn(async move {
            let turn = appender.append().await;
            let taken = due.elapsed();
            under_way.fetch_sub(1, Ordering::Relaxed);
            failed.fetch_or(turn.is_err(), Ordering::Relaxed);
            // Nobody listens any more when the bench has failed.
            let _gone = ended.send(turn.map(|turn| Ending { counts, turn, taken }));
        });
    }
}
