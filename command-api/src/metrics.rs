//! The numbers of this crate; every name is here.

use std::time::Duration;

/// One command was answered.
pub(crate) fn command_answered(aggregate: &'static str, outcome: &'static str, after: Duration) {
    metrics::counter!("commands_total", "aggregate" => aggregate, "outcome" => outcome).increment(1);
    metrics::histogram!("command_seconds", "aggregate" => aggregate).record(after.as_secs_f64());
}

/// A commit of so many commands goes to the store.
pub(crate) fn commit_sent(aggregate: &'static str, commands: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a batch is far below 2^52 commands")]
    metrics::histogram!("commit_commands", "aggregate" => aggregate).record(commands as f64);
}
