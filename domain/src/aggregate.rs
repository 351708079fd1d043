//! The one shape of every aggregate: `decide` and `evolve` over a state that starts at its default.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::event::DomainEvent;

/// What a decision may know besides the state and the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Who commands.
    pub actor: Actor,
    /// When: stamped at the edge, or taken from an imported row. Never read from a clock here.
    pub at: DateTime<Utc>,
    /// The command brings in history from elsewhere (limits on rates do not apply, a service may act for a user).
    pub imported: bool,
}

/// A consistency boundary: one stream of events, folded into a state that decides on commands.
///
/// `decide` and `evolve` are pure. For every state that can be reached, `evolve` accepts whatever `decide` returns.
pub trait Aggregate:
    Default + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The part of the stream id before the `-`.
    const CATEGORY: &'static str;
    /// To be raised with every change of `evolve` or of the state: snapshots of another version are not looked at.
    const FOLD_VERSION: u32;
    /// Orders that may be refused.
    type Command: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Facts, in the past tense.
    type Event: Clone + Debug + PartialEq + Send + Sync + Into<DomainEvent> + TryFrom<DomainEvent> + 'static;
    /// The closed list of reasons to refuse.
    type Refusal: Refusal;

    /// The events that the command causes: several, or none when there is nothing to do.
    fn decide(&self, command: &Self::Command, context: &Context) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// The state after the event.
    fn evolve(&mut self, event: &Self::Event);

    /// Bytes that this state holds on the heap, roughly; bounds the cache of aggregates.
    fn weight(&self) -> usize;
}

/// What a client can do about a refusal; the edge maps it to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// The content breaks a rule (HTTP 422).
    Invalid,
    /// This actor may not do it (HTTP 403).
    Forbidden,
    /// There is no such thing (HTTP 404).
    NotFound,
    /// The state forbids it (HTTP 409).
    State,
    /// It was deleted (HTTP 410).
    Deleted,
    /// A rate limit (HTTP 429).
    Limited,
}

/// A reason why a command was refused, with a stable code.
pub trait Refusal: std::error::Error + Clone + PartialEq + Send + Sync + 'static {
    /// Stable, for programs: `task.not-editable-while-in-progress`.
    fn code(&self) -> &'static str;
    /// What sort of refusal it is.
    fn kind(&self) -> RefusalKind;
    /// The field of the command at fault (camelCase, dotted), when it is one.
    fn field(&self) -> Option<&'static str> {
        None
    }
    /// The limit that was passed, when it is one.
    fn limit(&self) -> Option<u64> {
        None
    }
    /// When it may be tried again, for [`RefusalKind::Limited`].
    fn retry_at(&self) -> Option<DateTime<Utc>> {
        None
    }
}
