//! No way to the write side.

use async_trait::async_trait;

use super::{CommandAnswer, Commands, GivenCommand, Outcome, Unavailable, Why};
use crate::caller::Caller;

/// In place of a way out: every command is answered with the setting that is missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotConfigured;

#[async_trait]
impl Commands for NotConfigured {
    async fn give(&self, _caller: &Caller, _command: &GivenCommand) -> CommandAnswer {
        let cause = "query_api.commands_url is not set";
        CommandAnswer::Unavailable(Unavailable::new(Why::NotConfigured, Outcome::NotApplied, cause))
    }
}
