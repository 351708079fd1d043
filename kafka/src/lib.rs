//! Apache Kafka as a [`Log`](event_store::log::Log): plain produce and fetch, no transactions, no groups, no broker changes.
//!
//! The only crate that knows librdkafka. [`KafkaLog::open`] creates the topic the right way or refuses one that could harm
//! history, and goes on watching it ([`guard`]); [`log`] appends and reads.

pub mod guard;
pub mod log;
pub mod metrics;
pub mod options;

mod complaints;
mod ends;
mod producer;
mod read_only;
mod reader;
mod rulings;
mod seen;

pub use guard::{GuardError, GuardState, Stop};
pub use log::{KafkaLog, OpenError};
pub use options::{KafkaOptions, OptionsError};
pub use read_only::ReadOnlyKafkaLog;
