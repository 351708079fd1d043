//! Operations that stand: subscriptions, and queries with a field marked `@live`.
//!
//! There is one mechanism. An operation that stands is executed again, in a snapshot of its own, when rows that it has read have changed
//! ([`standing`]). Which rows those are it notes while it reads ([`interests`]), and what has changed is told by the projectors' change
//! feed, which is followed once a process and handed to whom it concerns ([`changes`]). An answer is made when the client takes it, so a slow
//! one gets the latest and nothing piles up.

mod changes;
mod cursor;
mod interests;
mod standing;

pub use changes::LiveChanges;
pub(crate) use cursor::{Cursor, CursorSlot, Told};
pub(crate) use interests::{Interests, Reads};
pub(crate) use standing::Standing;
