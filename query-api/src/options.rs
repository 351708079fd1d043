//! Settings of the query service.

use serde::{Deserialize, Serialize};

/// Limits of the query service. Each is checked before a query touches the database, or bounds what it may do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueryApiOptions {
    /// Largest request body in bytes.
    pub max_body_bytes: usize,
    /// Deepest nesting of fields.
    pub max_depth: usize,
    /// Highest cost; a field costs 1, a list its page size times its content.
    pub max_complexity: usize,
    /// Most fields of an operation, after fragments are expanded.
    pub max_fields: usize,
    /// Most aliases of an operation, after fragments are expanded.
    pub max_aliases: usize,
    /// Most directives on one field.
    pub max_directives: usize,
    /// May clients read the schema?
    pub introspection: bool,
    /// Longest single statement in milliseconds.
    pub statement_timeout_ms: u64,
    /// Longest operation in milliseconds, without the wait for a position.
    pub operation_timeout_ms: u64,
    /// Longest wait for a position in milliseconds that a client may ask for.
    pub max_wait_ms: u64,
    /// Wait for a position in milliseconds when the client names none.
    pub default_wait_ms: u64,
}

impl Default for QueryApiOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 262_144,
            max_depth: 12,
            max_complexity: 20_000,
            max_fields: 2_000,
            max_aliases: 100,
            max_directives: 10,
            introspection: true,
            statement_timeout_ms: 10_000,
            operation_timeout_ms: 20_000,
            max_wait_ms: 30_000,
            default_wait_ms: 2_000,
        }
    }
}
