//! Settings of the query service.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::documents::TrustedDocumentsMode;
use crate::http::HttpProfile;

/// What becomes of operations that cost more than [`QueryApiOptions::max_complexity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CostMode {
    /// They are refused before they run.
    #[default]
    Enforce,
    /// They run, and are logged and counted: what would break when the limit is enforced.
    Measure,
}

/// Limits of the query service. Each is checked before a query touches the database, or bounds what it may do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueryApiOptions {
    /// Largest request body in bytes.
    pub max_body_bytes: usize,
    /// Most words and signs of a document.
    pub max_tokens: usize,
    /// Deepest nesting of fields.
    pub max_depth: usize,
    /// Highest cost; a field costs 1, a list its page size times its content.
    pub max_complexity: usize,
    /// Is that enforced? The cost is in the `extensions` of every answer either way.
    pub cost_mode: CostMode,
    /// Most fields of an operation, after fragments are expanded.
    pub max_fields: usize,
    /// Most aliases of an operation, after fragments are expanded.
    pub max_aliases: usize,
    /// Most fields at the top of an operation, after fragments are expanded.
    pub max_root_fields: usize,
    /// Most directives on one field.
    pub max_directives: usize,
    /// Largest answer in bytes, before it is compressed.
    pub max_answer_bytes: usize,
    /// Most operations at once on one WebSocket.
    pub max_operations_per_socket: usize,
    /// How long a WebSocket may be open without having said who it is, in milliseconds.
    pub socket_init_timeout_ms: u64,
    /// Status codes by which draft of GraphQL over HTTP.
    pub http_profile: HttpProfile,
    /// Web sites whose pages may ask (`https://dashboard.example`), besides those that this service is reached under itself.
    pub allowed_origins: Vec<String>,
    /// The list of documents that clients were built with; see the guide for clients.
    pub trusted_documents: Option<PathBuf>,
    /// What becomes of documents that are not on it.
    pub trusted_documents_mode: TrustedDocumentsMode,
    /// Memory for parsed documents in bytes, roughly.
    pub document_cache_bytes: u64,
    /// Most commands of a mutation.
    pub max_mutations: usize,
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
    /// Where a process with the role command-api answers, such as `http://127.0.0.1:5000`: mutations go there. Not used by a process that has
    /// this role itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands_url: Option<String>,
    /// Longest wait for the answer to a command that was sent to `commands_url`, in milliseconds.
    pub commands_timeout_ms: u64,
}

impl Default for QueryApiOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 262_144,
            max_tokens: 15_000,
            max_depth: 12,
            max_complexity: 20_000,
            cost_mode: CostMode::default(),
            max_fields: 2_000,
            max_aliases: 100,
            max_root_fields: 50,
            max_directives: 10,
            max_answer_bytes: 16 * 1024 * 1024,
            max_operations_per_socket: 100,
            socket_init_timeout_ms: 3_000,
            http_profile: HttpProfile::default(),
            allowed_origins: Vec::new(),
            trusted_documents: None,
            trusted_documents_mode: TrustedDocumentsMode::default(),
            document_cache_bytes: 16 * 1024 * 1024,
            max_mutations: 10,
            introspection: true,
            statement_timeout_ms: 10_000,
            operation_timeout_ms: 20_000,
            max_wait_ms: 30_000,
            default_wait_ms: 2_000,
            commands_url: None,
            commands_timeout_ms: 10_000,
        }
    }
}
