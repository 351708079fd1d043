//! What happens to a quota.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A fact about one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaEvent {
    /// `quota.reserved.v1`
    Reserved {
        /// Whose place it is.
        reservation: Uuid,
        /// From when on it counts.
        at: DateTime<Utc>,
    },
}
