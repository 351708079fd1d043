//! What can be configured.

use std::num::NonZeroU32;

use domain::Role;
use serde::{Deserialize, Serialize};

use crate::handling::HandlingOptions;

/// Bounds of the command API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommandApiOptions {
    /// Queues, batches and caches; for each sort of aggregate.
    pub handling: HandlingOptions,
    /// Commands a second that one principal may give over time.
    pub rate_per_second: NonZeroU32,
    /// Commands that one principal may give at once.
    pub rate_burst: NonZeroU32,
    /// Roles without a rate limit.
    pub rate_exempt_roles: Vec<Role>,
    /// Lines of one bulk request.
    pub bulk_lines: u64,
    /// Bytes of one line of a bulk request.
    pub bulk_line_bytes: usize,
    /// Commands of one bulk request that wait for their answer; while there are so many, no more of it is read.
    pub bulk_in_flight: usize,
}

impl Default for CommandApiOptions {
    fn default() -> Self {
        Self {
            handling: HandlingOptions::default(),
            rate_per_second: NonZeroU32::MIN.saturating_add(49),
            rate_burst: NonZeroU32::MIN.saturating_add(99),
            rate_exempt_roles: vec![Role::Admin, Role::Service],
            bulk_lines: 1_000_000,
            bulk_line_bytes: 256 * 1024,
            bulk_in_flight: 1_024,
        }
    }
}
