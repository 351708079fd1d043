//! The numbers of this crate; every name is here.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe() {
    describe_counter!(
        "commands_total",
        Unit::Count,
        "Commands answered, by aggregate and outcome: done, already-done, nothing-to-do, refused, conflict, key-reused, too-large, unavailable (not applied), unknown (send it again with the same id), failed."
    );
    describe_histogram!(
        "command_seconds",
        Unit::Seconds,
        "From queueing a command until its proven answer."
    );
    describe_histogram!(
        "commit_commands",
        Unit::Count,
        "Commands in one commit: how many waited on a stream while the one before was under way."
    );
    describe_counter!(
        "command_redecisions_total",
        Unit::Count,
        "Batches that were decided again because another writer of the stream came between, or because an answer was not the newest."
    );
    describe_counter!(
        "rejections_recorded_total",
        Unit::Count,
        "Negative answers that were recorded in the log (strict rejections)."
    );
    describe_counter!(
        "commands_forwarded_total",
        Unit::Count,
        "Commands given to the node that had won a stream twice, by whether it answered (if not, they were decided here)."
    );
    describe_counter!(
        "snapshots_taken_total",
        Unit::Count,
        "Snapshots of long streams that were kept."
    );
    describe_counter!(
        "snapshots_loaded_total",
        Unit::Count,
        "Snapshots found by loads, by fate: used; unreadable; of-another-history, so that all events were read."
    );
}

/// One command was answered.
pub(crate) fn command_answered(aggregate: &'static str, outcome: &'static str, after: Duration) {
    counter!("commands_total", "aggregate" => aggregate, "outcome" => outcome).increment(1);
    histogram!("command_seconds", "aggregate" => aggregate).record(after.as_secs_f64());
}

/// A commit of so many commands goes to the store.
pub(crate) fn commit_sent(aggregate: &'static str, commands: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^52 commands")]
    histogram!("commit_commands", "aggregate" => aggregate).record(commands as f64);
}

/// A batch is decided again.
pub(crate) fn decided_again(aggregate: &'static str) {
    counter!("command_redecisions_total", "aggregate" => aggregate).increment(1);
}

/// So many negative answers are in the log.
pub(crate) fn rejections_recorded(aggregate: &'static str, count: usize) {
    counter!("rejections_recorded_total", "aggregate" => aggregate).increment(count as u64);
}

/// A snapshot was kept.
pub(crate) fn snapshot_taken(aggregate: &'static str) {
    counter!("snapshots_taken_total", "aggregate" => aggregate).increment(1);
}

/// A snapshot was found.
pub(crate) fn snapshot_used(aggregate: &'static str, fate: &'static str) {
    counter!("snapshots_loaded_total", "aggregate" => aggregate, "fate" => fate).increment(1);
}

/// So many commands were given to another node.
pub(crate) fn forwarded(aggregate: &'static str, outcome: &'static str, count: usize) {
    counter!("commands_forwarded_total", "aggregate" => aggregate, "outcome" => outcome).increment(count as u64);
}
