//! Read models: the log, folded into PostgreSQL tables that answer queries.
//!
//! The way in is [`service::ProjectorService`]: it follows the log, and for every piece of it lets the pure [`projector::Projector`]s
//! of [`read_model`] turn events into row operations, [`coalesce`]s them to one change a row, and writes rows and checkpoint in one
//! transaction that compares the old checkpoint ([`write`]). All tables of one such fold are a [`generation`]: one schema.
//! Whoever answers queries needs [`read`] alone, whoever shows something live [`change_feed`] too, whoever watches [`status`](mod@status). What an
//! administrator does with generations is in [`administration`]. A [`refold`] is a second fold of the log up to a
//! cut, which is held against the first with [`comparison`]; with [`travel`] such folds are kept for a while and can be asked.

pub mod administration;
mod advisory_lock;
pub mod batch;
mod bounded_fold;
pub mod change_feed;
pub mod checkpoint;
pub mod coalesce;
pub mod comparison;
pub mod error;
pub mod fingerprint;
pub mod gaps;
pub mod generation;
mod governor;
pub mod handle;
mod lease;
pub mod leftovers;
mod making_way;
pub mod metrics;
mod migration;
pub mod operation;
mod parking;
pub mod projector;
pub mod query_load;
pub mod read;
pub mod read_model;
pub mod refold;
pub mod service;
pub mod status;
pub mod subject;
pub mod table;
mod transaction;
pub mod travel;
pub mod value;
pub mod write;

pub use error::ProjectionError;
pub use handle::{GenerationProgress, ProjectorHandle, ProjectorState};
pub use migration::{migrate, migration_versions};
pub use projector::{DecodedEvent, Projector};
pub use read::{HeldTravel, ReadError, ReadSnapshot, Serving, ServingReader};
pub use service::{ProjectorOptions, ProjectorService};
pub use status::{ProjectionStatus, status};
