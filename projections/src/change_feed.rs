//! What changes in the generation that serves, told to whoever shows something live.
//!
//! A transaction of a projector that writes rows of a generation tells in one row of `control.change` which streams they belong to. The
//! row commits with the checkpoint. So whoever reads the checkpoint and the rows beyond the checkpoint that it read before, in one
//! snapshot, has missed nothing and gets nothing twice, however many processes project. A look is taken when a projector calls
//! ([`waking`](self)): in this process at each transaction, from others by a notification for many of them, and from time to time in case
//! that a call was lost.

mod listening;
mod recording;
mod watching;

pub use recording::ChangedStreams;
pub(crate) use recording::{CHANGES_KEPT, forget_old_changes, record_changes};
pub use watching::{ChangeFeed, ChangedStream, Changes, WhatChanged};

/// The channel on which projectors call.
pub(crate) const CHANNEL: &str = "read_models_changed";
