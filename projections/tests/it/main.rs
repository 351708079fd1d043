//! The read side against a real PostgreSQL; the log is the PostgreSQL store.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod administrator;
mod branching;
mod changes;
mod coalescing;
mod comparing;
mod copying;
mod deploying;
mod engine;
mod failures;
mod gaps;
mod generations;
mod harness;
mod history;
mod parking;
mod promoting;
mod querying;
mod read_models;
mod reading;
mod rebuilding;
mod refolding;
mod several;
mod sharing;
mod single_model;
mod splitting;
mod status;
mod stepping;
mod stored_versions;
mod travelling;
mod unchanged_output;
mod verifying;
