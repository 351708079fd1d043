//! What is to be recorded.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::AdministrationEvent;
use super::operation::{DiscardedEvent, OperationKind, Request};

/// An order to the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AdministrationCommand {
    /// An operation is about to be done.
    Request(Request),
    /// An operation has ended.
    End {
        /// Which.
        operation: Uuid,
        /// How.
        outcome: Outcome,
    },
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// This generation is being filled.
    RebuildBegun {
        /// The generation.
        generation: String,
    },
    /// This generation serves.
    Promoted {
        /// The generation.
        generation: String,
        /// What served before.
        before: String,
    },
    /// This generation serves again.
    RolledBack {
        /// The generation.
        generation: String,
        /// What served before.
        before: String,
    },
    /// This generation is gone.
    Dropped {
        /// The generation.
        generation: String,
    },
    /// So many streams are tried again.
    Retried {
        /// How many.
        streams: u64,
    },
    /// These events are given up.
    Discarded {
        /// One for each generation.
        events: Vec<DiscardedEvent>,
    },
    /// It was not done, as far as anybody knows.
    Failed {
        /// The stable code of the reason.
        code: String,
    },
}

impl Outcome {
    /// Of which operation it can be the outcome; none for one that any can have.
    pub(super) fn kind(&self) -> Option<OperationKind> {
        match self {
            Self::RebuildBegun { .. } => Some(OperationKind::Rebuild),
            Self::Promoted { .. } => Some(OperationKind::Promote),
            Self::RolledBack { .. } => Some(OperationKind::RollBack),
            Self::Dropped { .. } => Some(OperationKind::Drop),
            Self::Retried { .. } => Some(OperationKind::Retry),
            Self::Discarded { .. } => Some(OperationKind::Discard),
            Self::Failed { .. } => None,
        }
    }

    pub(super) fn events(&self, operation: Uuid) -> Vec<AdministrationEvent> {
        use AdministrationEvent as Event;
        let event = match self.clone() {
            Self::RebuildBegun { generation } => Event::RebuildBegun { operation, generation },
            Self::Promoted { generation, before } => Event::GenerationPromoted {
                operation,
                generation,
                before,
            },
            Self::RolledBack { generation, before } => Event::GenerationRolledBack {
                operation,
                generation,
                before,
            },
            Self::Dropped { generation } => Event::GenerationDropped { operation, generation },
            Self::Retried { streams } => Event::StreamsRetried { operation, streams },
            Self::Discarded { events } => Event::EventsDiscarded { operation, events },
            Self::Failed { code } => Event::OperationFailed { operation, code },
        };
        vec![event]
    }
}
