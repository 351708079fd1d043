//! Numbers of the log, for operators; every name is here, with its unit and what it tells.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe() {
    describe_counter!(
        "log_commits_total",
        Unit::Count,
        "Commits and fences of this node, by verdict: accepted; void, so that their commands were decided again; unknown, because neither came back in time."
    );
    describe_histogram!(
        "log_append_seconds",
        Unit::Seconds,
        "From handing a record to the log until all in-sync replicas have it."
    );
    describe_histogram!(
        "log_read_back_seconds",
        Unit::Seconds,
        "From handing a record to the log until this node has judged it: on delivery when it had judged everything below, else when it has read it."
    );
    describe_counter!(
        "log_judged_on_delivery_total",
        Unit::Count,
        "Records of this node that it judged when their delivery was reported, without waiting to read them; the others had somebody else's before them."
    );
    describe_histogram!(
        "log_commit_age_offsets",
        Unit::Count,
        "How many offsets a commit lies behind what it was decided on; at the window's width (65,536) it becomes void."
    );
    describe_gauge!(
        "log_in_flight_bytes",
        Unit::Bytes,
        "Records of this node that are sent and not yet judged; bounded."
    );
    describe_counter!(
        "log_end_offset_reads_total",
        Unit::Count,
        "Questions for the end of a partition: each proves a negative answer or a read."
    );
    describe_histogram!(
        "log_end_offset_seconds",
        Unit::Seconds,
        "From asking for the end of a partition until this node has judged everything below it."
    );
    describe_counter!(
        "log_refused_appends_total",
        Unit::Count,
        "Appends that were refused before anything was sent, by reason: journal-lag, in-flight-bytes, stopped."
    );
    describe_counter!(
        "log_loads_total",
        Unit::Count,
        "Streams loaded for decisions, by source: memory (what was known is still the newest) or journal."
    );
    describe_counter!(
        "log_load_waits_total",
        Unit::Count,
        "Loads that had to wait because the journal was behind what this node had seen accepted."
    );
    describe_gauge!(
        "log_partitions_stopped",
        Unit::Count,
        "Partitions in which harmed history was met and nothing is acknowledged; anything above 0 needs an operator, the log says where and what to do."
    );
    describe_gauge!(
        "journal_lag_offsets",
        Unit::Count,
        "Records that this node has judged and the journal has not taken, in the partition where they are most; appends stop at half the window's width."
    );
    describe_counter!(
        "journal_events_total",
        Unit::Count,
        "Events that this process's journaler has taken into the journal."
    );
    describe_histogram!(
        "journal_apply_seconds",
        Unit::Seconds,
        "One piece of the log going into the journal, with its checkpoint."
    );
}

pub(crate) fn commit_judged(verdict: &'static str) {
    counter!("log_commits_total", "verdict" => verdict).increment(1);
}

pub(crate) fn commit_age(offsets: u64) {
    histogram!("log_commit_age_offsets").record(float(offsets));
}

pub(crate) fn appended(took: Duration) {
    histogram!("log_append_seconds").record(took.as_secs_f64());
}

pub(crate) fn read_back(took: Duration) {
    histogram!("log_read_back_seconds").record(took.as_secs_f64());
}

pub(crate) fn judged_on_delivery(records: usize) {
    counter!("log_judged_on_delivery_total").increment(records as u64);
}

pub(crate) fn in_flight(bytes: usize) {
    gauge!("log_in_flight_bytes").set(float(bytes as u64));
}

pub(crate) fn read_to_the_end(took: Duration) {
    counter!("log_end_offset_reads_total").increment(1);
    histogram!("log_end_offset_seconds").record(took.as_secs_f64());
}

pub(crate) fn append_refused(reason: &'static str) {
    counter!("log_refused_appends_total", "reason" => reason).increment(1);
}

pub(crate) fn loaded(source: &'static str) {
    counter!("log_loads_total", "source" => source).increment(1);
}

pub(crate) fn load_waits() {
    counter!("log_load_waits_total").increment(1);
}

pub(crate) fn partitions_stopped(count: usize) {
    gauge!("log_partitions_stopped").set(float(count as u64));
}

pub(crate) fn journal_lag(offsets: u64) {
    gauge!("journal_lag_offsets").set(float(offsets));
}

pub(crate) fn journaled(events: usize, took: Duration) {
    counter!("journal_events_total").increment(events as u64);
    histogram!("journal_apply_seconds").record(took.as_secs_f64());
}

/// Counts here stay far below 2^52, to which a float is exact.
#[allow(clippy::cast_precision_loss)]
fn float(count: u64) -> f64 {
    count as f64
}
