//! Showing how far an import is: a bar on a terminal, a line every few seconds elsewhere, both on standard error.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::import::sending::Tally;

const BAR_REFRESH: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{bar:30} {pos}/{len} commits  {per_sec}  ETA {eta}  {msg}";

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgressStyleChoice {
    /// Not at all.
    Silent,
    /// As fits standard error.
    Fitting,
}

/// Shows `tally` until the returned future is dropped.
pub(crate) async fn show(choice: ProgressStyleChoice, total: u64, tally: Arc<Tally>) {
    if choice == ProgressStyleChoice::Silent {
        std::future::pending::<()>().await;
    } else if std::io::stderr().is_terminal() {
        show_bar(total, &tally).await;
    } else {
        show_lines(total, &tally).await;
    }
}

/// Takes the bar from the terminal when it is dropped.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

async fn show_bar(total: u64, tally: &Tally) {
    let bar = Bar(ProgressBar::new(total));
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.0.set_style(style);
    }
    loop {
        tokio::time::sleep(BAR_REFRESH).await;
        bar.0.set_position(Tally::get(&tally.commits_done));
        bar.0.set_message(trouble(tally));
    }
}

async fn show_lines(total: u64, tally: &Tally) {
    let start = Instant::now();
    loop {
        tokio::time::sleep(LINE_EVERY).await;
        let done = Tally::get(&tally.commits_done);
        let seconds = start.elapsed().as_secs().max(1);
        let speed = done / seconds;
        let left = total
            .saturating_sub(done)
            .checked_div(speed)
            .map_or("?".to_owned(), |left| left.to_string());
        eprintln!(
            "{done} of {total} commits, {speed} commits/s, about {left} s left{}",
            trouble(tally)
        );
    }
}

fn trouble(tally: &Tally) -> String {
    let refused = Tally::get(&tally.refused) + Tally::get(&tally.bad_lines);
    let retries = Tally::get(&tally.retries);
    let refused = if refused > 0 {
        format!(", {refused} rejected")
    } else {
        String::new()
    };
    if retries > 0 {
        format!("{refused}, {retries} retries")
    } else {
        refused
    }
}
