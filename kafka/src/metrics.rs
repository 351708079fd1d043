//! Numbers of the topic guard; every name is here.

use ::metrics::{Unit, counter, describe_counter, describe_gauge, gauge};

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe() {
    describe_gauge!(
        "log_writes_stopped",
        Unit::Count,
        "1 while the topic guard stops all writes: a setting could harm history, or history was harmed. `coding-agent status` says what to do."
    );
    describe_counter!(
        "log_guard_looks_total",
        Unit::Count,
        "Looks of the topic guard, by whether the cluster answered all its questions."
    );
}

pub(crate) fn looked(answered: bool) {
    let answered = if answered { "yes" } else { "no" };
    counter!("log_guard_looks_total", "answered" => answered).increment(1);
}

pub(crate) fn writes_stopped(stopped: bool) {
    gauge!("log_writes_stopped").set(if stopped { 1.0 } else { 0.0 });
}
