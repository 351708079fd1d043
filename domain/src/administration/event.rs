//! What happened.

use uuid::Uuid;

use super::operation::{DiscardedEvent, Request};

/// A fact about what an administrator did. Who it was stands in the event's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdministrationEvent {
    /// `administration.operation-requested.v1`
    OperationRequested(Request),
    /// `administration.rebuild-begun.v1`
    RebuildBegun {
        /// The operation.
        operation: Uuid,
        /// What is being filled.
        generation: String,
    },
    /// `administration.generation-promoted.v1`
    GenerationPromoted {
        /// The operation.
        operation: Uuid,
        /// What serves.
        generation: String,
        /// What served before.
        before: String,
    },
    /// `administration.generation-rolled-back.v1`
    GenerationRolledBack {
        /// The operation.
        operation: Uuid,
        /// What serves again.
        generation: String,
        /// What served before.
        before: String,
    },
    /// `administration.generation-dropped.v1`
    GenerationDropped {
        /// The operation.
        operation: Uuid,
        /// What is gone.
        generation: String,
    },
    /// `administration.streams-retried.v1`
    StreamsRetried {
        /// The operation.
        operation: Uuid,
        /// How many streams.
        streams: u64,
    },
    /// `administration.events-discarded.v1`
    EventsDiscarded {
        /// The operation.
        operation: Uuid,
        /// One for each generation.
        events: Vec<DiscardedEvent>,
    },
    /// `administration.operation-failed.v1`
    OperationFailed {
        /// The operation.
        operation: Uuid,
        /// The stable code of the reason.
        code: String,
    },
}

impl AdministrationEvent {
    /// The operation that it is about.
    pub fn operation(&self) -> Uuid {
        match self {
            Self::OperationRequested(request) => request.operation,
            Self::RebuildBegun { operation, .. }
            | Self::GenerationPromoted { operation, .. }
            | Self::GenerationRolledBack { operation, .. }
            | Self::GenerationDropped { operation, .. }
            | Self::StreamsRetried { operation, .. }
            | Self::EventsDiscarded { operation, .. }
            | Self::OperationFailed { operation, .. } => *operation,
        }
    }
}
