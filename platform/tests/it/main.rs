//! The platform crate as its users see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clock;
mod config;
mod health;
mod http;
mod http_server;
mod problem;
mod rate_limit;
mod running_server;
mod shutdown;
mod supervisor;
mod telemetry;
mod token;
