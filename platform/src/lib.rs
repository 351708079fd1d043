//! What every role of the binary needs and no business word: configuration, telemetry, shutdown, health, HTTP edges,
//! tokens, rate limits, problem details and the one wall clock.
//!
//! This crate depends on nothing of ours, so every other crate may use it.

pub mod clock;
pub mod config;
pub mod health;
pub mod http;
pub mod no_delay;
pub mod problem;
pub mod rate_limit;
pub mod shutdown;
pub mod telemetry;
pub mod token;
