//! All events of all aggregates, for readers that follow the whole log.

use crate::administration::AdministrationEvent;
use crate::conversation::ConversationEvent;
use crate::quota::QuotaEvent;
use crate::task::TaskEvent;

/// Any domain event.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainEvent {
    /// Of a `conversation-` stream.
    Conversation(ConversationEvent),
    /// Of a `task-` stream.
    Task(TaskEvent),
    /// Of a `quota-` stream.
    Quota(QuotaEvent),
    /// Of an `administration-` stream.
    Administration(AdministrationEvent),
}

/// The event belongs to another aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the event belongs to another aggregate")]
pub struct ForeignEvent;

macro_rules! aggregate_event {
    ($variant:ident, $event:ty) => {
        impl From<$event> for DomainEvent {
            fn from(event: $event) -> Self {
                Self::$variant(event)
            }
        }

        impl TryFrom<DomainEvent> for $event {
            type Error = ForeignEvent;

            fn try_from(event: DomainEvent) -> Result<Self, Self::Error> {
                match event {
                    DomainEvent::$variant(event) => Ok(event),
                    _ => Err(ForeignEvent),
                }
            }
        }
    };
}

aggregate_event!(Conversation, ConversationEvent);
aggregate_event!(Task, TaskEvent);
aggregate_event!(Quota, QuotaEvent);
aggregate_event!(Administration, AdministrationEvent);
