//! Names of the metrics, in one place.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

/// Counts what a committed batch held; `took` is its transaction, without the folding that goes on beside the one before.
pub(crate) fn batch_committed(generation: &str, events: usize, took: Duration) {
    let events = u64::try_from(events).unwrap_or(u64::MAX);
    counter!("projection_events_total", "generation" => generation.to_owned()).increment(events);
    histogram!("projection_batch_seconds", "generation" => generation.to_owned()).record(took.as_secs_f64());
}

/// Records of the log that the generation does not cover yet.
pub(crate) fn lag(generation: &str, offsets: u64) {
    // A gauge holds a float; a lag beyond 2^52 records does not occur.
    #[allow(clippy::cast_precision_loss)]
    gauge!("projection_lag_offsets", "generation" => generation.to_owned()).set(offsets as f64);
}

/// Counts attempts that failed, by the stable code of the error.
pub(crate) fn failed(generation: &str, code: &'static str) {
    counter!("projection_failures_total", "generation" => generation.to_owned(), "code" => code).increment(1);
}
