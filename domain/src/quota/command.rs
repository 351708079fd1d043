//! What can be asked of a quota.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An order to a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuotaCommand {
    /// Takes one place in the window, for good. The same reservation again takes no second place.
    Reserve {
        /// Derived from the command that the place is for.
        reservation: Uuid,
        /// How many places a window has: 1 to [`LIMIT_MAX`](super::LIMIT_MAX).
        limit: u32,
        /// How long a place is taken, in milliseconds: 1 to [`WINDOW_MAX_MS`](super::WINDOW_MAX_MS).
        window_ms: u64,
    },
}
