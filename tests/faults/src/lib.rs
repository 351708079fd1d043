//! Faults on the real thing: three Apache Kafka brokers, `PostgreSQL` and several nodes run under load while brokers, nodes, the
//! database, its disk, the connections between all of them and a clock fail, one at a time and together. Afterwards everything is healed,
//! and what clients were told is checked against the journal and the topic.
//!
//! The way in is [`campaign::run`]. `./dev faults` calls it through the binary of this crate; a short campaign is a test.
//!
//! Everything listens on 127.0.0.1 only, and ends when the campaign does: at its end, at Ctrl-C, and at a panic.

pub mod attempt;
pub mod campaign;
pub mod check;
pub mod cluster;
pub mod evidence;
mod level;
pub mod link;
pub mod nemesis;
pub mod schedule;
mod statistics;
mod summary;
pub mod workload;
