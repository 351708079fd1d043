//! The command API over the real PostgreSQL store, in process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bulk;
mod concurrency;
mod conversation_routes;
mod faults;
mod forwarding;
mod handling;
mod harness;
mod idempotency;
mod metrics;
mod one_line;
mod openapi;
mod options;
mod problems;
mod quota;
mod roles;
mod shutdown;
mod snapshots;
mod strict;
mod task_routes;
