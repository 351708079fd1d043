//! Scenarios of the whole system. Each starts the real binary on a database (and a topic) of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod command_line;
mod database_faults;
mod doctor;
mod graphql_live;
mod graphql_over_http;
mod history_equals_graphql;
mod history_export;
mod history_reading;
mod history_verify;
mod importing_twice;
mod interrupted;
mod kafka_security;
mod killed;
mod metrics;
mod mutations;
mod projector_processes;
mod read_your_write;
mod rebuild;
mod restart;
mod ruling;
mod schema_changes;
mod terminated;
mod topic_guard;
mod two_instances;
