//! The log: one [`EventStore`] trait, the acceptance rule that makes a plain log strict, and the stores.
//!
//! Read [`store`] first (what a store promises), then [`acceptance`] (the one rule every reader applies), then
//! [`log_store`] (a store over any [`log::Log`], such as Apache Kafka or the [`simulator`]) or [`postgres`] (the embedded
//! default, where the [`journal`] is the log). [`conformance`] is the suite that all of them pass.

pub mod acceptance;
pub mod codec;
pub mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod event;
pub mod journal;
pub mod log;
pub mod log_store;
pub mod metrics;
pub mod position;
pub mod postgres;
mod randomness;
pub mod rejection;
pub mod simulator;
pub mod snapshot;
pub mod store;

pub use commit::{Basis, CommandStamp, Commit, CommitOutcome, CommitReceipt, CommittedCommand};
pub use error::StoreError;
pub use event::{EventMetadata, LogPosition, NewEvent, RecordedEvent};
pub use position::{Cut, LogEpoch, Position, PositionToken};
pub use randomness::Randomness;
pub use rejection::RecordedRejection;
pub use store::{
    AppendToStreamOptions, Direction, EventStore, Follow, FollowBatch, LoadedStream, ReadAllOptions, ReadStreamOptions,
    StreamState, WriteResult,
};
