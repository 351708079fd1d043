//! The way out to the write side: one trait, behind which commands are decided in this process or in another one.
//!
//! What goes out is a line of the command API's bulk route, what comes back is the answer to that line, so a mutation takes the path that
//! every other command takes. Nothing here knows how a command is decided, and nothing of the read side touches the log.

mod answer;
mod given;
mod not_configured;
mod over_http;

use async_trait::async_trait;

pub use answer::{CommandAnswer, Conflict, Outcome, Refused, Taken, Unavailable, Why};
pub use given::GivenCommand;
pub use not_configured::NotConfigured;
pub use over_http::{CommandsOverHttp, CommandsUrlError};

use crate::caller::Caller;

/// Takes commands in the name of a caller.
#[async_trait]
pub trait Commands: Send + Sync {
    /// Gives one command and waits for its answer. Dropping the wait does not take the command back.
    async fn give(&self, caller: &Caller, command: &GivenCommand) -> CommandAnswer;
}
