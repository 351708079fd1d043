//! Tests on a real Apache Kafka and a real PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod guard;
mod options;
mod reading;
mod rulings;
mod servers;
mod topics;
