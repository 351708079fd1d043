//! What an administrator asks for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::name::names;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OperationKind {
    /// Another generation is filled.
    Rebuild,
    /// Another generation serves.
    Promote,
    /// The generation serves that served before.
    RollBack,
    /// A generation is removed.
    Drop,
    /// Streams that stand still are tried again.
    Retry,
    /// An event that cannot be projected is given up.
    Discard,
}

names!(
    OperationKind,
    "operation",
    [
        Rebuild = "rebuild",
        Promote = "promote",
        RollBack = "roll-back",
        Drop = "drop",
        Retry = "retry",
        Discard = "discard",
    ]
);

/// An operation before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Made by whoever asks.
    pub operation: Uuid,
    /// What is to be done.
    pub kind: OperationKind,
    /// With which generation, where one is named.
    pub generation: Option<String>,
    /// With which stream, where one is named.
    pub stream: Option<String>,
    /// Why, for those who read it in years.
    pub reason: Option<String>,
    /// Name of the person's account, where it was asked for on a machine of the installation and not with a token.
    pub account: Option<String>,
}

/// An event that was given up in one generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscardedEvent {
    /// The generation whose rows lack it.
    pub generation: String,
    /// Its stream.
    pub stream: String,
    /// Its revision.
    pub revision: u64,
}
