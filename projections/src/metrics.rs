//! Names of the metrics, in one place.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe() {
    describe_counter!(
        "projection_events_total",
        Unit::Count,
        "Events written into the read models of a generation."
    );
    describe_histogram!(
        "projection_batch_seconds",
        Unit::Seconds,
        "One transaction of rows and checkpoint."
    );
    describe_gauge!(
        "projection_lag_offsets",
        Unit::Count,
        "Records of the log that a generation does not cover yet, as of its last look at the end."
    );
    describe_gauge!(
        "projection_parked_streams",
        Unit::Count,
        "Streams of a generation that stand still before an event that cannot be projected, as of the last that was parked."
    );
    describe_counter!(
        "projection_failures_total",
        Unit::Count,
        "Attempts to project that failed and are repeated, by the code of the error."
    );
}

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

/// Streams that stand still now.
pub(crate) fn parked(generation: &str, streams: u64) {
    #[allow(clippy::cast_precision_loss)]
    gauge!("projection_parked_streams", "generation" => generation.to_owned()).set(streams as f64);
}

/// Counts attempts that failed, by the stable code of the error.
pub(crate) fn failed(generation: &str, code: &'static str) {
    counter!("projection_failures_total", "generation" => generation.to_owned(), "code" => code).increment(1);
}
