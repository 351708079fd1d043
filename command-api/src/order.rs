//! A command on its way from the wire to its stream, whichever route brought it.

use chrono::{DateTime, Utc};
use domain::conversation::ConversationCommand;
use domain::task::TaskCommand;
use domain::{Actor, CommandId};
use event_store::StreamState;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue::CommandName;
use crate::handling::Submission;

/// Who sends, and in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The principal of a token that was checked, and its role.
    pub actor: Actor,
    /// Ties together all that the request caused.
    pub correlation_id: String,
    /// The W3C trace that the request belongs to, when it named one.
    pub traceparent: Option<String>,
}

/// One command as it came in.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) name: CommandName,
    /// The target; for a command that begins a stream only when a service names it.
    pub(crate) id: Option<Uuid>,
    pub(crate) command_id: CommandId,
    pub(crate) body: Value,
    pub(crate) expected: StreamState,
    /// The time of an imported row.
    pub(crate) at: Option<DateTime<Utc>>,
    /// Where imported history came from.
    pub(crate) provenance: Option<String>,
    /// Its size on the wire.
    pub(crate) bytes: usize,
}

/// A command that its aggregate can decide on.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) name: CommandName,
    /// The aggregate.
    pub(crate) id: Uuid,
    /// What it brings into being within the aggregate.
    pub(crate) part: Option<Part>,
    pub(crate) submission: TypedSubmission,
}

/// A part of an aggregate with an id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Message(Uuid),
    Execution(Uuid),
}

/// For the handler of one sort of aggregate.
#[derive(Debug)]
pub(crate) enum TypedSubmission {
    Conversation(Submission<ConversationCommand>),
    Task(Submission<TaskCommand>),
}

impl Prepared {
    /// Is a place in the owner's quota needed first? Imported history happened already.
    pub(crate) fn needs_quota(&self) -> bool {
        self.name.starts_execution()
            && matches!(&self.submission, TypedSubmission::Task(submission) if submission.stamp.provenance.is_none())
    }
}
