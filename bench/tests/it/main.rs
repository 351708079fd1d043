//! Tests of what benchmarks stand on, on real servers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod data;
mod world;
