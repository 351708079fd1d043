//! How far a long command is: a bar on a terminal, a line every few seconds elsewhere, both on standard error.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::OutputFormat;

const BAR_REFRESH: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{bar:30} {pos}/{len} records  {per_sec}  ETA {eta}  {msg}";

/// Shared between the one who works and the one who shows.
#[derive(Debug, Default)]
pub struct Meter {
    done: AtomicU64,
    total: AtomicU64,
    step: Mutex<&'static str>,
}

impl Meter {
    /// A step of the work begins, with so much to do.
    pub fn begin(&self, step: &'static str, total: u64) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
        self.total.store(total, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
    }

    /// So much more is done.
    pub fn advance(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }

    /// Where the work stands.
    pub fn set(&self, step: &'static str, done: u64, total: u64) {
        self.begin(step, total);
        self.advance(done);
    }

    /// The step at present, what is done of it, and the whole.
    pub fn look(&self) -> (&'static str, u64, u64) {
        let step = *self.step.lock().unwrap_or_else(PoisonError::into_inner);
        (
            step,
            self.done.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        )
    }
}

/// Takes the bar from the terminal when it is dropped.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// The name of a step that may have to make way for others: in percent of its time, how much it works.
pub fn pace(unhindered: &'static str, slowed: &'static str, share: u32) -> &'static str {
    if share < 100 { slowed } else { unhindered }
}

/// Shows the meter until the returned future is dropped.
pub async fn show(output: OutputFormat, meter: &Meter) {
    if output == OutputFormat::Json {
        std::future::pending::<()>().await;
    } else if std::io::stderr().is_terminal() {
        show_bar(meter).await;
    } else {
        show_lines(meter).await;
    }
}

async fn show_bar(meter: &Meter) {
    let bar = Bar(ProgressBar::new(0));
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.0.set_style(style);
    }
    loop {
        tokio::time::sleep(BAR_REFRESH).await;
        let (step, done, total) = meter.look();
        bar.0.set_length(total);
        bar.0.set_position(done);
        bar.0.set_message(step);
    }
}

async fn show_lines(meter: &Meter) {
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        let (step, done, total) = meter.look();
        eprintln!("{step}: {done} of {total} records");
    }
}
