//! Numbers of the read side; every name is here.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe() {
    describe_counter!(
        "graphql_operations_total",
        Unit::Count,
        "GraphQL operations, by outcome: ok, partial (with field errors), refused (not executed)."
    );
    describe_histogram!(
        "graphql_operation_seconds",
        Unit::Seconds,
        "One GraphQL operation, from parsed request to response."
    );
}

pub(crate) fn operation(outcome: &'static str, took: Duration) {
    counter!("graphql_operations_total", "outcome" => outcome).increment(1);
    histogram!("graphql_operation_seconds").record(took.as_secs_f64());
}
