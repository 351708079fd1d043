//! The rules of the platform, and nothing else: ids, commands, events, `decide` and `evolve`.
//!
//! This crate does no IO and reads no clock and no random source; time and ids arrive as data.
//! The way in is [`Aggregate`]: one per stream category, each in a module that reads as its rule book
//! ([`conversation`], [`task`], [`quota`], [`administration`]). [`stored`] is the only module that knows how an event
//! looks in the log, and reads every version that was ever written.

pub mod actor;
pub mod administration;
pub mod aggregate;
pub mod conversation;
pub mod event;
pub mod id;
pub mod name;
pub mod quota;
pub mod stored;
pub mod stream;
pub mod task;
pub mod text;

pub use actor::{Actor, Role};
pub use aggregate::{Aggregate, Context, Refusal, RefusalKind};
pub use event::DomainEvent;
pub use id::{AttachmentId, CommandId, ConversationId, EventId, ExecutionId, MessageId, TaskId, UserId};
pub use stream::{Category, StreamId, StreamIdError};
