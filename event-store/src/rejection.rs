//! Negative answers that are recorded in the log, and thereby final.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::hex128;

/// "No", "nothing to do" or "conflict" to one command, as the log keeps it.
///
/// It stands in a fence on the stream: what was decided before the fence is void, so no earlier attempt at the command can
/// still succeed; and whoever decides after it finds the answer there and repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedRejection {
    /// The command, by its scoped id ([`domain::CommandId::scoped`]).
    pub command: Uuid,
    /// Hash of its body; the same id with other content is another mistake.
    #[serde(with = "hex128")]
    pub command_hash: u128,
    /// What the client was told; only command handling knows its shape.
    pub answer: serde_json::Value,
}
