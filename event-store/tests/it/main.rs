//! Tests of the log on real PostgreSQL and on the simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod acceptance;
mod database;
mod fences;
mod halting;
mod model;
mod own_records;
mod postgres_conformance;
mod postgres_groups;
mod postgres_journal;
mod restored_journal;
mod rulings;
mod simulated;
mod simulator_conformance;
mod vectors;
mod warm_loads;
