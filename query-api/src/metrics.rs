//! Numbers of the read side; every name is here.

use std::time::Duration;

use ::metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::commands::{CommandAnswer, Outcome};

/// Says what the numbers mean; once a process, after the recorder was installed.
pub fn describe() {
    describe_counter!(
        "graphql_operations_total",
        Unit::Count,
        "GraphQL operations, by outcome: ok, partial (with field errors), refused (not executed)."
    );
    describe_counter!(
        "graphql_unknown_documents_total",
        Unit::Count,
        "Documents that were run without being on the list of trusted ones, while such are logged."
    );
    describe_counter!(
        "graphql_costly_operations_total",
        Unit::Count,
        "Operations above the limit of cost that were run, while the cost is only measured."
    );
    describe_gauge!(
        "graphql_standing_operations",
        Unit::Count,
        "Subscriptions and live queries that are answered again when rows change."
    );
    describe_histogram!(
        "graphql_operation_seconds",
        Unit::Seconds,
        "One GraphQL operation, from parsed request to response."
    );
    describe_counter!(
        "graphql_commands_total",
        Unit::Count,
        "Commands of mutations, by outcome: taken, refused, conflict, unavailable (not applied), unknown (nobody knows)."
    );
}

/// A document that is not on the list of trusted ones was run all the same.
pub(crate) fn unknown_document() {
    counter!("graphql_unknown_documents_total").increment(1);
}

/// An operation above the limit of cost was run all the same.
pub(crate) fn costly_operation() {
    counter!("graphql_costly_operations_total").increment(1);
}

/// So many operations stand.
pub(crate) fn standing_operations(count: usize) {
    gauge!("graphql_standing_operations").set(u32::try_from(count).map_or(f64::MAX, f64::from));
}

pub(crate) fn operation(outcome: &'static str, took: Duration) {
    counter!("graphql_operations_total", "outcome" => outcome).increment(1);
    histogram!("graphql_operation_seconds").record(took.as_secs_f64());
}

pub(crate) fn command(answer: &CommandAnswer) {
    let outcome = match answer {
        CommandAnswer::Taken(_) => "taken",
        CommandAnswer::Refused(_) => "refused",
        CommandAnswer::Conflict(_) => "conflict",
        CommandAnswer::Unavailable(unavailable) => match unavailable.outcome {
            Outcome::NotApplied => "unavailable",
            Outcome::Unknown => "unknown",
        },
    };
    counter!("graphql_commands_total", "outcome" => outcome).increment(1);
}
