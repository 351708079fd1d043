//! Starts the real binary on real servers and looks at it from outside, as clients and operators do.
//!
//! The way in is [`System`]: a database, a topic where the log is Kafka, and one or more [`Instance`]s, which are processes.
//! A [`Client`] talks to one of them; [`CommandLine`] runs the binary as a tool. What the system holds is checked against
//! [`expectation`] (numbers computed from the history file alone), against [`rows`] of another system, and against
//! [`journal::Fold`] (the read models computed from the journal a second time). Nothing here uses code of the product, except
//! the making of tokens.
//!
//! A harness for tests: it panics at the first surprise, and an instance then prints its log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc)]

mod client;
mod command_line;
mod deadline;
pub mod expectation;
mod instance;
pub mod journal;
mod kafka_tools;
pub mod load;
pub mod node;
mod own_postgres;
pub mod paging;
pub mod rows;
pub mod sample;
mod secured_kafka;
mod servers;
mod system;

pub use client::{Client, Reply, Request, Unanswered};
pub use command_line::{CommandLine, Finished, binary};
pub use deadline::{eventually, settled};
pub use instance::Instance;
pub use kafka_tools::kafka_configs;
pub use own_postgres::OwnPostgres;
pub use secured_kafka::SecuredKafka;
pub use servers::LogKind;
pub use system::{System, SystemBuilder};
